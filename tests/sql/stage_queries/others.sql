-- One query a line, over the tables of stage_tables.py. Of the ordered ones the sequence counts.
SELECT id FROM l UNION ALL SELECT id FROM r UNION ALL SELECT 5 UNION ALL SELECT count(*)::INT FROM l
SELECT k FROM l UNION SELECT k FROM r
SELECT k FROM l EXCEPT SELECT k FROM r
SELECT k FROM l EXCEPT ALL SELECT k FROM r
SELECT k FROM l INTERSECT SELECT k FROM r
SELECT k FROM l INTERSECT ALL SELECT k FROM r
SELECT k, count(*) FROM (SELECT k FROM l UNION ALL SELECT k FROM r UNION ALL VALUES (1),(NULL)) GROUP BY k
SELECT * FROM (SELECT id FROM l ORDER BY id LIMIT 3) UNION ALL SELECT id FROM r
SELECT * FROM (SELECT id FROM l ORDER BY id LIMIT 3) UNION ALL SELECT * FROM (SELECT id FROM r ORDER BY id LIMIT 3)
SELECT 1 UNION ALL SELECT 2
SELECT id, k FROM l UNION ALL BY NAME SELECT k, x FROM r
FROM l UNION ALL FROM l
SELECT DISTINCT k FROM (SELECT k FROM l UNION ALL SELECT k FROM r)
SELECT count(*) FROM (SELECT 1 FROM l UNION ALL SELECT 2 FROM r UNION ALL SELECT 3)
SELECT id, row_number() OVER (PARTITION BY k ORDER BY id) FROM l
SELECT id, sum(x) OVER (ORDER BY id ROWS 3 PRECEDING) FROM l
SELECT id, rank() OVER (PARTITION BY k2, b ORDER BY x), count(*) OVER (PARTITION BY k2), lag(x) OVER (ORDER BY id) FROM l
SELECT id FROM l QUALIFY row_number() OVER (PARTITION BY k ORDER BY id DESC) = 1
SELECT k, row_number() OVER (ORDER BY count(*) DESC, k) FROM l GROUP BY k
SELECT id, first_value(x) OVER w, last_value(x) OVER w FROM l WINDOW w AS (PARTITION BY k2 ORDER BY id)
SELECT id, count(DISTINCT x) OVER (PARTITION BY k2) FROM l
SELECT count(*) OVER (), id FROM l
SELECT id, k FROM l QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) <= 3
SELECT count(*) FROM (SELECT id FROM l LIMIT 17)
SELECT count(*) FROM (SELECT id FROM l LIMIT 17 OFFSET 290)
SELECT count(*) FROM (SELECT id FROM l OFFSET 290)
SELECT count(*) FROM (SELECT id FROM l LIMIT 10%)
SELECT count(*) FROM (SELECT id FROM l LIMIT 9223372036854775807 OFFSET 5)
SELECT count(*) FROM (SELECT id FROM l LIMIT 0)
SELECT count(*) FROM (SELECT id FROM l LIMIT (SELECT count(*) FROM u))
SELECT id FROM l ORDER BY id LIMIT 9223372036854775807 OFFSET 250 -- ordered
SELECT id, x FROM l ORDER BY x, id LIMIT 7 -- ordered
SELECT x FROM l ORDER BY x DESC NULLS LAST LIMIT 50 OFFSET 20 -- ordered
SELECT id FROM l ORDER BY id DESC LIMIT 5 OFFSET 298 -- ordered
SELECT k2,x FROM l ORDER BY ALL LIMIT 200 -- ordered
SELECT id FROM l ORDER BY s COLLATE NOCASE, id LIMIT 8 -- ordered
SELECT k, count(*) c FROM l GROUP BY k ORDER BY c DESC, k LIMIT 3 -- ordered
SELECT id FROM l ORDER BY li, st, id LIMIT 10 -- ordered
SELECT id FROM l ORDER BY id LIMIT 10% -- ordered
SELECT count(*) FROM (SELECT * FROM l USING SAMPLE 10 ROWS)
SELECT count(*) FROM (SELECT * FROM l TABLESAMPLE 100%)
SELECT count(*) <= 300 FROM l USING SAMPLE 50% (bernoulli)
SELECT count(*) FROM l TABLESAMPLE RESERVOIR(20 ROWS)
SELECT count(*) FROM (SELECT * FROM r USING SAMPLE 7 ROWS) a JOIN l ON true
SELECT count(*), count(DISTINCT q) > 250 FROM (SELECT random() q FROM l)
SELECT count(DISTINCT uuid()) FROM l
SELECT count(*) FROM l WHERE random() >= 0
SELECT c0, hash FROM (SELECT id AS c0, x AS hash FROM l)
SELECT hash, sum(c1) c0 FROM (SELECT k AS hash, x AS c1 FROM l) GROUP BY hash
SELECT hash(id) FROM l
SELECT count(*) FROM l, u
SELECT 1 FROM l
SELECT NULL FROM l
SELECT 7 AS a, 'x' b FROM l WHERE id<4
SELECT list_transform(li, lambda q: q+x) FROM l
SELECT list_filter(li, lambda q: q>0) FROM l
SELECT [y+1 FOR y IN li] FROM l
SELECT struct_pack(a:=x, b:=k2) FROM l
SELECT st.a, count(*) FROM l GROUP BY 1
SELECT COLUMNS(c -> c LIKE 'k%') FROM l
PIVOT (SELECT k2,b,x FROM l) ON b IN (true,false) USING sum(x)
PIVOT (SELECT k2,b,x FROM l) ON b USING sum(x)
UNPIVOT (SELECT id, x, k::BIGINT k FROM l) ON x,k INTO NAME n VALUE v
SELECT id, date_trunc('hour', tz), tz::VARCHAR, strftime(ts,'%H') FROM l
SELECT id, now() = now(), current_date = today() FROM l
SELECT count(DISTINCT now()) FROM l
SELECT id, CASE WHEN x>3 THEN error('bad '||'thing') END FROM l
SELECT id, s::INT FROM l
SELECT id, TRY_CAST(s AS INT), 1/x FROM l
SELECT id/0 FROM l
SELECT sum(id::TINYINT) FROM l
SELECT regexp_extract(s,'[a-c]'), s SIMILAR TO '[a-c]', s LIKE 'a%', s ILIKE 'A%', length(s), concat_ws('-',s,k2) FROM l
SELECT id, getvariable('v') FROM l
SELECT current_setting('threads') IS NOT NULL, id FROM l
SELECT en, en::VARCHAR, typeof(en) FROM l
SELECT * FROM l
SELECT * FROM l WHERE false
SELECT * FROM e
SELECT count(*) FROM (FROM l WHERE id > 1e9)
SELECT max(id), k FROM l WHERE id<0 GROUP BY k
SELECT x::BIGNUM::VARCHAR FROM l
SELECT sum(x) a, sum(x) a FROM l
SELECT id::VARIANT::VARCHAR FROM l
SELECT bit_count(x) FROM l
SELECT to_json(st) FROM l
SELECT json_extract(to_json(st),'$.a') FROM l
SELECT json_group_array(x) IS NULL FROM l
SELECT k2, map_from_entries(list((id, x) ORDER BY id)) FROM l GROUP BY k2
SELECT id FROM l ORDER BY id -- ordered
SELECT id FROM l ORDER BY x DESC, id -- ordered
SELECT DISTINCT ON (x) x, id FROM l ORDER BY x, id DESC LIMIT 5 -- ordered
DESCRIBE l
SELECT x, count(*) FROM l TABLESAMPLE 100% GROUP BY x
SELECT CASE WHEN x > 3 THEN error('bad') END FROM l
