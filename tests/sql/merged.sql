-- Queries whose answer is more than the partitions' results one after the other.
-- {0} is events, partitioned; users is whole.
-- merged: words of the warning where rows are spread evenly.
-- keys: where the columns that decide the partition are among these, the partitions' results are
--       the answer after all.
-- order: the columns whose sequence ORDER BY fixes.

-- group_by; merged: GROUP BY; keys: user_id
SELECT user_id, count(*) AS n, sum(amount), avg(revenue), min(day), max(note) FROM {0} GROUP BY
  user_id

-- group_by_another; merged: GROUP BY; keys: kind
SELECT kind, count(*) AS n FROM {0} GROUP BY kind

-- group_by_two; merged: GROUP BY; keys: user_id kind
SELECT user_id, kind, sum(amount) FROM {0} GROUP BY ALL

-- group_by_expression; merged: GROUP BY
SELECT user_id % 7 AS k, count(*) FROM {0} GROUP BY k

-- group_by_cast; merged: GROUP BY; keys: user_id
SELECT user_id::BIGINT AS u, count(*) FROM {0} GROUP BY u

-- group_by_try_cast; merged: GROUP BY
SELECT try_cast(event_id AS TINYINT) AS small, try_cast(user_id * 5 AS TINYINT) AS u, count(*) FROM
  {0}
GROUP BY ALL

-- group_by_bare_try_cast; merged: GROUP BY
SELECT try_cast(event_id AS TINYINT) AS small, count(*) FROM {0} GROUP BY small

-- group_by_joined_key; merged: GROUP BY; keys: user_id
SELECT u.user_id, tier, count(*) FROM {0} e JOIN users u ON e.user_id = u.user_id GROUP BY
  e.user_id, u.user_id, tier

-- group_by_country; merged: GROUP BY
SELECT u.country, u.tier, count(DISTINCT e.user_id) AS active, sum(e.amount) AS total
FROM {0} e JOIN users u ON e.user_id = u.user_id GROUP BY u.country, u.tier

-- having; merged: GROUP BY; keys: kind
SELECT kind, sum(amount) FROM {0} GROUP BY kind HAVING count(*) > 60

-- having_by_user; merged: GROUP BY; keys: user_id
SELECT user_id FROM {0} GROUP BY user_id HAVING sum(amount) > 1000

-- no_group_by; merged: an aggregate without GROUP BY
SELECT count(*), sum(amount), avg(revenue), max(moment) FROM {0}

-- count_distinct; merged: an aggregate without GROUP BY
SELECT count(DISTINCT user_id) FROM {0}

-- having_no_group_by; merged: an aggregate without GROUP BY
SELECT sum(amount) FROM {0} HAVING count(*) > 300

-- filter; merged: GROUP BY; keys: user_id
SELECT user_id, count(*) FILTER (WHERE kind = 'buy') AS buys, sum(amount) FILTER (kind = 'cart')
FROM {0} GROUP BY user_id

-- ordered_list; merged: GROUP BY; keys: kind
SELECT kind, list(event_id ORDER BY amount DESC, event_id) AS ids, string_agg(note, ',' ORDER BY
  event_id),
       first(event_id ORDER BY moment, event_id), arg_max(event_id, (amount, event_id))
FROM {0} GROUP BY kind

-- aggregate_macro; merged: GROUP BY; keys: kind
SELECT kind, weighted_avg(amount, event_id) AS w, geomean(event_id) AS g FROM {0} GROUP BY kind

-- holistic; merged: GROUP BY; keys: user_id
SELECT user_id, median(amount), mode(part ORDER BY part), quantile_cont(revenue, 0.9),
  stddev(amount)
FROM {0} GROUP BY user_id

-- grouping_sets; merged: GROUP BY
SELECT user_id, kind, grouping(user_id, kind), count(*) FROM {0} GROUP BY GROUPING SETS ((user_id),
  (kind), ())

-- grouping_set_of_one; merged: GROUP BY; keys: user_id kind
SELECT user_id, kind, count(*) FROM {0} GROUP BY GROUPING SETS ((user_id, kind))

-- rollup; merged: GROUP BY
SELECT user_id, kind, count(*) FROM {0} GROUP BY ROLLUP (user_id, kind)

-- cube; merged: GROUP BY
SELECT user_id, kind, sum(amount) FROM {0} GROUP BY CUBE (user_id, kind)

-- cte_with_group_by; merged: GROUP BY; keys: user_id
WITH sums AS (SELECT user_id, count(*) AS n FROM {0} GROUP BY user_id) SELECT * FROM sums WHERE n >
  7

-- subquery_with_group_by; merged: GROUP BY; keys: kind
SELECT * FROM (SELECT kind, count(*) AS n FROM {0} GROUP BY kind) WHERE n > 60

-- group_twice; merged: GROUP BY
SELECT n, count(*) FROM (SELECT user_id, count(*) AS n FROM {0} GROUP BY user_id) GROUP BY n

-- join_of_groups; merged: GROUP BY; keys: user_id
SELECT event_id, n FROM {0} JOIN (SELECT user_id, count(*) AS n FROM {0} GROUP BY user_id) USING
  (user_id)

-- order_by; merged: ORDER BY; order: amount event_id
SELECT event_id, amount FROM {0} ORDER BY amount DESC, event_id

-- order_by_nulls; merged: ORDER BY; order: revenue
SELECT event_id, revenue FROM {0} ORDER BY revenue NULLS FIRST

-- order_by_limit; merged: ORDER BY; order: amount event_id
SELECT event_id, amount FROM {0} ORDER BY amount DESC, event_id LIMIT 10

-- order_by_limit_offset; merged: ORDER BY; order: event_id
SELECT event_id FROM {0} ORDER BY event_id LIMIT 10 OFFSET 25

-- order_by_offset; merged: ORDER BY; order: event_id
SELECT event_id FROM {0} ORDER BY event_id OFFSET 390

-- limit_percent; merged: ORDER BY; order: event_id
SELECT event_id FROM {0} ORDER BY event_id LIMIT 5%

-- order_by_all; merged: ORDER BY; order: kind event_id
SELECT kind, event_id FROM {0} ORDER BY ALL

-- limit_in_subquery; merged: ORDER BY
SELECT kind, count(*) FROM (SELECT kind FROM {0} ORDER BY event_id LIMIT 50) GROUP BY kind

-- group_by_order_by; merged: GROUP BY; order: n kind
SELECT kind, count(*) AS n FROM {0} GROUP BY kind ORDER BY n, kind

-- distinct; merged: DISTINCT; keys: kind
SELECT DISTINCT kind FROM {0}

-- distinct_two; merged: DISTINCT; keys: user_id kind
SELECT DISTINCT user_id, kind FROM {0}

-- distinct_on; merged: DISTINCT; order: kind
SELECT DISTINCT ON (kind) kind, event_id FROM {0} ORDER BY kind, event_id DESC

-- distinct_on_key; merged: DISTINCT; keys: user_id
SELECT DISTINCT ON (user_id) user_id FROM {0}

-- union; merged: DISTINCT; keys: kind
SELECT kind FROM {0} UNION SELECT kind FROM {0} WHERE amount < 9

-- union_with_whole; merged: UNION
SELECT user_id FROM {0} UNION SELECT user_id FROM users

-- union_all_with_whole; merged: UNION
SELECT user_id FROM {0} UNION ALL SELECT user_id FROM users

-- except; merged: EXCEPT; keys: user_id
SELECT user_id FROM {0} EXCEPT SELECT user_id FROM {0} WHERE kind = 'buy'

-- except_from_whole; merged: EXCEPT
SELECT user_id FROM users EXCEPT SELECT user_id FROM {0}

-- except_all; merged: EXCEPT; keys: kind
SELECT kind FROM {0} EXCEPT ALL SELECT kind FROM {0} WHERE amount < 90

-- intersect; merged: INTERSECT; keys: user_id
SELECT user_id FROM {0} INTERSECT SELECT user_id FROM {0} WHERE kind = 'buy'

-- intersect_all; merged: INTERSECT; keys: kind
SELECT kind FROM {0} INTERSECT ALL SELECT kind FROM {0} WHERE amount < 90

-- intersect_with_whole; merged: INTERSECT
SELECT user_id FROM {0} INTERSECT SELECT user_id FROM users

-- left_join_from_whole; merged: LEFT JOIN
SELECT u.user_id, event_id FROM users u LEFT JOIN {0} e ON e.user_id = u.user_id

-- right_join_to_whole; merged: RIGHT JOIN
SELECT u.user_id, event_id FROM {0} e RIGHT JOIN users u ON e.user_id = u.user_id

-- full_join_to_whole; merged: FULL JOIN
SELECT u.user_id, event_id FROM {0} e FULL JOIN users u ON e.user_id = u.user_id

-- full_join_from_whole; merged: FULL JOIN
SELECT user_id, event_id FROM users u FULL JOIN {0} e USING (user_id)

-- semi_join_from_whole; merged: SEMI JOIN
SELECT u.user_id FROM users u SEMI JOIN {0} e ON e.user_id = u.user_id

-- anti_join_from_whole; merged: ANTI JOIN
SELECT u.user_id FROM users u ANTI JOIN {0} e ON e.user_id = u.user_id

-- asof_join_from_whole; merged: DISTINCT
SELECT u.user_id, e.day FROM users u ASOF JOIN (SELECT DISTINCT user_id, day FROM {0}) e
ON e.user_id = u.user_id AND u.since >= e.day

-- asof_join_from_whole_bare; merged: ASOF JOIN from a whole input
SELECT u.user_id, e.day FROM users u ASOF JOIN {0} e ON e.user_id = u.user_id AND u.since >= e.day

-- self_join; merged: a join of partitioned inputs; keys: user_id
SELECT a.event_id, b.event_id AS other FROM {0} a JOIN {0} b ON a.user_id = b.user_id AND a.event_id
  < b.event_id

-- self_join_on_other; merged: a join of partitioned inputs; keys: kind
SELECT count(*) OVER (PARTITION BY a.kind) AS n, a.event_id FROM {0} a JOIN {0} b ON a.kind = b.kind
  AND a.amount = b.amount

-- self_left_join; merged: a join of partitioned inputs; keys: user_id
SELECT a.event_id, b.event_id AS other FROM {0} a LEFT JOIN {0} b ON a.user_id = b.user_id AND
  b.kind = 'buy'

-- self_full_join; merged: a join of partitioned inputs; keys: event_id
SELECT a.amount, b.amount AS other
FROM (FROM {0} WHERE part < 5) a FULL JOIN (FROM {0} WHERE part > 2) b ON a.event_id = b.event_id

-- self_cross_join; merged: a join of partitioned inputs
SELECT a.event_id, b.event_id AS other FROM (FROM {0} WHERE kind = 'buy') a, (FROM {0} WHERE part =
  3) b

-- positional_join; merged: POSITIONAL JOIN
SELECT e.event_id, u.user_id FROM {0} e POSITIONAL JOIN users u

-- lateral_from_whole; merged: a correlated subquery
SELECT u.user_id, l.event_id FROM users u,
LATERAL (SELECT event_id FROM {0} e WHERE e.user_id = u.user_id ORDER BY amount, event_id LIMIT 2) l

-- in_partitioned; merged: IN or EXISTS
SELECT user_id FROM users WHERE user_id IN (SELECT user_id FROM {0} WHERE kind = 'buy')

-- not_in; merged: IN or EXISTS
SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM {0} WHERE kind = 'buy' AND
  user_id IS NOT NULL)

-- not_in_with_nulls; merged: IN or EXISTS
SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM {0})

-- in_as_value; merged: IN or EXISTS
SELECT user_id, mentor IN (SELECT user_id FROM {0} WHERE part = 1) AS known FROM users

-- not_in_itself; merged: a join of partitioned inputs
SELECT event_id FROM {0} WHERE user_id NOT IN (SELECT user_id FROM {0} WHERE kind = 'buy' AND
  user_id IS NOT NULL)

-- exists_correlated; merged: a correlated subquery
SELECT user_id FROM users u WHERE EXISTS (SELECT 1 FROM {0} e WHERE e.user_id = u.user_id)

-- not_exists; merged: a correlated subquery
SELECT user_id FROM users u WHERE NOT EXISTS (SELECT 1 FROM {0} e WHERE e.user_id = u.user_id AND
  kind = 'buy')

-- exists_uncorrelated; merged: LIMIT
SELECT user_id FROM users WHERE EXISTS (SELECT 1 FROM {0} WHERE amount > 240)

-- scalar_subquery; merged: an aggregate without GROUP BY
SELECT event_id FROM {0} WHERE amount > (SELECT avg(amount) FROM {0})

-- correlated_subquery; merged: a correlated subquery
SELECT event_id FROM {0} a WHERE amount > (SELECT avg(amount) FROM {0} b WHERE a.user_id =
  b.user_id)

-- correlated_from_whole; merged: a correlated subquery
SELECT user_id, (SELECT sum(amount) FROM {0} e WHERE e.user_id = u.user_id) AS total FROM users u

-- window_over_all; merged: the window function
SELECT event_id, row_number() OVER (ORDER BY amount, event_id) FROM {0}

-- window_by_key; merged: the window function; keys: user_id
SELECT event_id, sum(amount) OVER (PARTITION BY user_id ORDER BY event_id) AS running,
       lag(event_id) OVER (PARTITION BY user_id ORDER BY event_id) AS before FROM {0}

-- window_by_another; merged: the window function; keys: kind
SELECT event_id, rank() OVER (PARTITION BY kind ORDER BY amount) FROM {0}

-- two_windows; merged: the window function; keys: user_id
SELECT event_id, count(*) OVER (PARTITION BY user_id), count(*) OVER (PARTITION BY user_id, kind)
  FROM {0}

-- qualify; merged: the window function; keys: kind
SELECT kind, event_id FROM {0} QUALIFY rank() OVER (PARTITION BY kind ORDER BY amount DESC,
  event_id) = 1

-- named_window; merged: the window function; keys: user_id
SELECT event_id, first_value(kind) OVER w AS first FROM {0} WINDOW w AS (PARTITION BY user_id ORDER
  BY event_id)

-- pivot; merged: GROUP BY; keys: user_id
PIVOT (SELECT user_id, kind, amount FROM {0}) ON kind IN ('buy', 'cart', 'view') USING sum(amount)
  GROUP BY user_id

-- pivot_without_list; merged: PIVOT without an IN list
PIVOT {0} ON kind USING count(*), sum(amount) GROUP BY part

-- pivot_standard; merged: GROUP BY; keys: user_id
SELECT * FROM (SELECT user_id, kind, amount FROM {0}) PIVOT (sum(amount) FOR kind IN ('buy',
  'cart'))

-- recursive_cte; merged: recursive CTE
WITH RECURSIVE walk AS (
    SELECT event_id, 1 AS step FROM {0} WHERE event_id = 1
    UNION ALL SELECT e.event_id, step + 1 FROM {0} e JOIN walk w ON e.event_id = w.event_id * 3)
SELECT * FROM walk

-- summarize; merged: an aggregate without GROUP BY
SUMMARIZE SELECT event_id, kind, amount, day FROM {0}

-- describe; merged: no rows of a partitioned input
DESCRIBE {0}
