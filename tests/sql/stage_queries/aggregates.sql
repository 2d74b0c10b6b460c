-- One query a line, over the tables of stage_tables.py.
SELECT count(DISTINCT k), count(*) FROM e
SELECT count(DISTINCT k), count(*), sum(x), count(k2) FROM e
SELECT count(DISTINCT k) c, count(*) n FROM l
SELECT k2, median(DISTINCT x) m, count(*) n FROM l GROUP BY k2
SELECT median(DISTINCT x) m FROM l
SELECT k2, list_sort(list(DISTINCT x)) m FROM l GROUP BY k2
SELECT list_sort(list(DISTINCT x)) m FROM l
SELECT string_agg(DISTINCT k2, ',' ORDER BY k2) FROM l
SELECT k2, sum(DISTINCT x), avg(DISTINCT x), count(DISTINCT x), count(*) FROM l GROUP BY k2
SELECT k2, avg(DISTINCT x) a, avg(d) FROM l WHERE NOT isnan(d) GROUP BY k2
SELECT count(DISTINCT k), count(DISTINCT k2), count(DISTINCT x) FROM l
SELECT k2, count(DISTINCT k), count(DISTINCT x) FROM l GROUP BY k2
SELECT count(DISTINCT k) FILTER (WHERE x>5), count(*) FILTER (WHERE x>5) FROM l
SELECT b, count(DISTINCT k) FILTER (WHERE x>5), count(DISTINCT k) FROM l GROUP BY b
SELECT var_pop(DISTINCT x), stddev(DISTINCT x) FROM l
SELECT k2, mode(DISTINCT x) IS NULL FROM l GROUP BY k2
SELECT sum(DISTINCT dec), avg(DISTINCT dec) FROM l
SELECT k2, approx_count_distinct(x) FROM l GROUP BY k2
SELECT approx_count_distinct(id) FROM l
SELECT count(DISTINCT (k,k2)) FROM l
SELECT k2, quantile_cont(DISTINCT x, 0.5) FROM l GROUP BY k2
SELECT k2, quantile_disc(x, [0.25,0.5]) FROM l GROUP BY k2
SELECT k2, max(DISTINCT x), count(DISTINCT x) FROM l GROUP BY k2
SELECT k2, entropy(DISTINCT x), histogram(x) FROM l GROUP BY k2
SELECT arg_min(id,x), count(DISTINCT x) FROM (SELECT min(id) id, x FROM l GROUP BY x)
SELECT k2, min(x,3) FROM l GROUP BY k2
SELECT count(*), count(k), count_if(x>3), countif(b) FROM l
SELECT b, count_if(x>3), countif(b) FROM l GROUP BY b
SELECT k2, list(x ORDER BY id) FROM l GROUP BY k2
SELECT list(x ORDER BY id DESC) FROM l
SELECT k2, string_agg(s, '-' ORDER BY id) FROM l GROUP BY k2
SELECT first(x ORDER BY id), last(x ORDER BY id), arg_min(x,id), arg_max(x,id) FROM l
SELECT k2, first(x ORDER BY id), arg_max(id,id) FROM l GROUP BY k2
SELECT max_by(id,id), min_by(id,id,3) FROM l
SELECT count(*) FROM e
SELECT count(*), sum(x), avg(x), min(x), max(x), var_pop(x), list(x) FROM e
SELECT k, count(*) FROM e GROUP BY k
SELECT k2, b, sum(x), grouping(k2), grouping(b) FROM l GROUP BY ROLLUP(k2,b)
SELECT k2, b, sum(x), count(DISTINCT k), grouping_id(k2,b) FROM l GROUP BY CUBE(k2,b)
SELECT k2, b, count(*) FROM l GROUP BY GROUPING SETS((k2),(b),())
SELECT k2,count(*) FROM e GROUP BY GROUPING SETS((k2),())
SELECT count(*) FROM l GROUP BY ()
SELECT s COLLATE NOCASE AS q, count(*) FROM (SELECT upper(s) s FROM l) GROUP BY q
SELECT st, count(*) FROM l GROUP BY st
SELECT li, count(*) FROM l GROUP BY li
SELECT en, count(*), sum(x) FROM l GROUP BY en
SELECT tz,h,dec,count(*) FROM l GROUP BY ALL
SELECT z=0, count(*) FROM (SELECT z FROM l GROUP BY z) GROUP BY ALL
SELECT count(*) FROM (SELECT DISTINCT z FROM l)
SELECT iv, count(*) FROM (SELECT iv FROM r UNION ALL SELECT iv FROM l) GROUP BY iv
SELECT count(*) FROM (SELECT DISTINCT [z], {'a':z} FROM l)
SELECT k2, count(*) c FROM l GROUP BY k2 HAVING count(*)>5 AND avg(x)>2
SELECT sum(x) FROM l HAVING count(*) > 1000
SELECT DISTINCT ON (k2) k2, id FROM l ORDER BY k2, id
SELECT DISTINCT ON (k2,b) k2, b, id, x FROM l ORDER BY k2, b, id DESC
SELECT DISTINCT k2,b FROM l
SELECT DISTINCT st,en FROM l
SELECT DISTINCT s COLLATE NOCASE IS NULL FROM l
SELECT count(*) FROM (SELECT k, count(*) c FROM l GROUP BY k)
SELECT k2, sum(c) FROM (SELECT k2,k,count(*) c FROM l GROUP BY k2,k) GROUP BY k2
SELECT k2, sum(x) OVER (PARTITION BY k2) FROM l
SELECT weighted_avg(x,id) FROM l
SELECT geomean(x+1), k2 FROM l GROUP BY k2
SELECT k2, histogram(x) FROM l GROUP BY k2
SELECT (random()*1000000)::INT*0+1 AS g, list_sort(list(DISTINCT x)) FROM l GROUP BY g
SELECT count(*) = count(DISTINCT g) FROM (SELECT (random()*4)::INT g, list(x) q FROM l GROUP BY g)
SELECT sum(x::BIGNUM)::VARCHAR, sum(h::HUGEINT), sum(dec * dec), sum(b) FROM l
SELECT bit_and(x), bit_or(x), bit_xor(x), bool_and(b), bool_or(b) FROM l
SELECT k2, bit_and(x), bit_or(x), bit_xor(h::HUGEINT), bool_and(b) FROM l GROUP BY k2
SELECT min(h::HUGEINT), avg(h::HUGEINT), sum(h::HUGEINT), var_pop(h::HUGEINT) FROM l
SELECT h::HUGEINT AS g, count(*) FROM l GROUP BY g
SELECT lower(min(s)), count(*) FROM l GROUP BY s COLLATE NOCASE
SELECT bitstring_agg(x, 0, 20)::VARCHAR FROM l
SELECT avg(x), stddev(x), count(DISTINCT k2) FROM l
SELECT avg(x), count(DISTINCT k2), count(*) FROM e
SELECT k2, avg(dec), stddev(x), count(DISTINCT k), sum(DISTINCT k), count(*) FROM l GROUP BY k2
SELECT k2, corr(x, k), skewness(x), count(DISTINCT x), max(s), bool_and(x > 3) FROM l GROUP BY k2
SELECT b, avg(x) FILTER (WHERE x > 5), count(DISTINCT k) FROM l GROUP BY b
SELECT avg(x) FILTER (WHERE x < 0), regr_slope(x, k), count(DISTINCT (k, k2)) FROM l
SELECT k2, avg(n), max(m) FROM (SELECT k2, k, avg(x) m, count(DISTINCT x) n FROM l GROUP BY k2, k) GROUP BY k2
