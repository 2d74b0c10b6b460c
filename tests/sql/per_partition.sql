-- Queries that every partition can answer for its own rows, however the rows are spread.
-- {0} is events, partitioned; users is whole.

-- projection
SELECT event_id, revenue * 2 AS doubled, upper(kind) FROM {0}

-- star
SELECT * FROM {0}

-- star_exclude_replace
SELECT * EXCLUDE (note) REPLACE (amount + (SELECT count(*) FROM users) AS amount) FROM {0}

-- filter
SELECT event_id FROM {0} WHERE kind = 'buy' AND revenue > 50

-- from_first
FROM {0} SELECT kind, day WHERE amount < 20

-- case
SELECT CASE WHEN kind = 'buy' THEN amount ELSE 0 END AS bought FROM {0}

-- struct_literal
SELECT {'a': event_id, 'b': {'c': kind}} AS s, {'x': 1}.x FROM {0}

-- map_literal
SELECT MAP {kind: amount} AS m, MAP {'k': event_id}['k'] AS v FROM {0}

-- lambda
SELECT list_transform(tags, lambda t: t || kind) AS l, list_filter(tags, lambda t: t > 'a') FROM {0}

-- macro
SELECT list_append(tags, kind) AS l, fmod(event_id, 7) AS f FROM {0}

-- unnest
SELECT event_id, unnest(tags) AS tag FROM {0}

-- unnest_in_from
SELECT event_id, tag FROM {0} e, unnest(e.tags) u(tag)

-- unpivot
UNPIVOT (SELECT event_id, revenue, amount::DOUBLE AS amount FROM {0})
ON revenue, amount INTO NAME measure VALUE number

-- inner_join_to_whole
SELECT event_id, country FROM {0} e JOIN users u ON e.user_id = u.user_id

-- inner_join_from_whole
SELECT event_id, country FROM users u JOIN {0} e USING (user_id)

-- natural_join
SELECT event_id, tier FROM {0} NATURAL JOIN users

-- inequality_join
SELECT event_id, u.user_id FROM {0} e JOIN users u ON e.day < u.since

-- cross_join
SELECT event_id, u.user_id FROM {0} CROSS JOIN (FROM users WHERE tier = 'gold') u WHERE kind = 'buy'

-- left_join_to_whole
SELECT event_id, country FROM {0} e LEFT JOIN users u ON e.user_id = u.user_id

-- right_join_from_whole
SELECT event_id, country FROM users u RIGHT JOIN {0} e ON e.user_id = u.user_id

-- semi_join_to_whole
SELECT event_id FROM {0} e SEMI JOIN users u ON e.user_id = u.user_id

-- anti_join_to_whole
SELECT event_id FROM {0} e ANTI JOIN users u ON e.user_id = u.user_id

-- in_whole
SELECT event_id FROM {0} WHERE user_id IN (SELECT user_id FROM users WHERE tier = 'gold')

-- not_in_whole
SELECT event_id FROM {0} WHERE user_id NOT IN (SELECT user_id FROM users)

-- not_in_whole_with_nulls
SELECT event_id FROM {0} WHERE user_id NOT IN (SELECT mentor FROM users)

-- exists_whole
SELECT event_id FROM {0} e WHERE EXISTS (SELECT 1 FROM users u WHERE u.mentor = e.user_id)

-- not_exists_whole
SELECT event_id FROM {0} e
WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.mentor = e.user_id)

-- scalar_subquery_of_whole
SELECT event_id, (SELECT max(since) FROM users) AS latest FROM {0}
WHERE day < (SELECT max(since) FROM users)

-- correlated_subquery_of_whole
SELECT event_id, (SELECT count(*) FROM users u WHERE u.mentor = e.user_id) AS learners
FROM {0} e

-- lateral_over_whole
SELECT event_id, l.user_id FROM {0} e,
LATERAL (SELECT user_id FROM users u WHERE u.since > e.day ORDER BY since, user_id LIMIT 2) l

-- asof_join_to_whole
SELECT event_id, u.since FROM {0} e ASOF JOIN users u
ON e.user_id = u.user_id AND e.day >= u.since

-- asof_left_join_to_whole
SELECT event_id, u.since FROM {0} e ASOF LEFT JOIN users u
ON e.user_id = u.user_id AND e.day >= u.since

-- union_all_of_partitions
SELECT event_id, 'low' AS half FROM {0} WHERE amount < 100
UNION ALL SELECT event_id, 'high' FROM {0} WHERE amount >= 100

-- union_all_by_name
SELECT event_id, kind FROM {0} UNION ALL BY NAME SELECT kind, event_id FROM {0}

-- cte_filter
WITH buys AS (SELECT * FROM {0} WHERE kind = 'buy') SELECT event_id FROM buys

-- cte_materialized
WITH buys AS MATERIALIZED (SELECT event_id, user_id FROM {0} WHERE kind = 'buy')
SELECT event_id, country FROM buys JOIN users USING (user_id)

-- cte_of_whole_grouped
WITH sizes AS (SELECT country, count(*) AS n FROM users GROUP BY country)
SELECT event_id, n FROM {0} JOIN users USING (user_id) JOIN sizes USING (country)

-- recursive_cte_of_whole
WITH RECURSIVE chain AS (
    SELECT user_id, 0 AS depth FROM users WHERE mentor IS NULL
    UNION ALL SELECT u.user_id, depth + 1 FROM users u JOIN chain c ON u.mentor = c.user_id)
SELECT event_id, depth FROM {0} JOIN chain USING (user_id)

-- window_over_whole
SELECT event_id, place FROM {0}
JOIN (SELECT user_id, row_number() OVER (ORDER BY user_id DESC) AS place FROM users) USING (user_id)

-- nested_subqueries
SELECT twice FROM (SELECT event_id * 2 AS twice FROM (SELECT event_id FROM {0} WHERE part < 3))
WHERE twice % 3 = 0

-- columns_expression
SELECT COLUMNS('.*_id') FROM {0}

-- values_join
SELECT event_id, label FROM {0} JOIN (VALUES ('buy', 'B'), ('view', 'V')) v(kind, label) USING
  (kind)
