-- One query a line, over the tables of stage_tables.py; {kind} is each type of join.
SELECT a.* FROM l a {kind} JOIN e b ON a.k = b.k
SELECT count(*) FROM l a {kind} JOIN e b USING (k)
SELECT a.* FROM e a {kind} JOIN l b ON a.k = b.k
SELECT count(*) FROM e a {kind} JOIN l b USING (k)
SELECT a.* FROM e a {kind} JOIN e b ON a.k = b.k
SELECT count(*) FROM e a {kind} JOIN e b USING (k)
SELECT a.* FROM u a {kind} JOIN l b ON a.k = b.k
SELECT count(*) FROM u a {kind} JOIN l b USING (k)
SELECT a.* FROM l a {kind} JOIN u b ON a.k = b.k
SELECT count(*) FROM l a {kind} JOIN u b USING (k)
SELECT a.* FROM l a {kind} JOIN l b ON a.k = b.k
SELECT count(*) FROM l a {kind} JOIN l b USING (k)
SELECT a.k FROM (VALUES (1),(2),(NULL),(99)) a(k) {kind} JOIN l ON a.k = l.k
SELECT l.id FROM l {kind} JOIN (VALUES (1),(2),(NULL),(99)) a(k) ON a.k = l.k
SELECT x.id FROM (SELECT * FROM l ORDER BY id LIMIT 10) x {kind} JOIN l y ON x.k=y.k
SELECT y.id FROM l y {kind} JOIN (SELECT * FROM l ORDER BY id LIMIT 10) x ON x.k=y.k
SELECT x.k FROM (SELECT k, count(*) c FROM l GROUP BY k) x {kind} JOIN (SELECT k, count(*) c FROM r GROUP BY k) y ON x.k=y.k
SELECT x.k FROM (SELECT k,k2, count(*) c FROM l GROUP BY k,k2) x {kind} JOIN (SELECT k, count(*) c FROM r GROUP BY k) y ON x.k=y.k AND x.c > y.c
SELECT x.k FROM (SELECT k,k2, count(*) c FROM l GROUP BY k,k2) x {kind} JOIN (SELECT k,k2, count(*) c FROM r GROUP BY k,k2) y ON x.k2=y.k2 AND x.k=y.k
SELECT q.k, count(*) FROM (SELECT x.k FROM l x {kind} JOIN r y ON x.k=y.k) q GROUP BY q.k
SELECT q.k, count(*) FROM (SELECT x.k FROM l x {kind} JOIN r y ON x.k=y.k) q JOIN u ON u.k=q.k GROUP BY q.k
SELECT a.* FROM l a LEFT JOIN u b ON a.k = b.k
SELECT count(*) FROM l a LEFT JOIN u b USING (k)
SELECT l.id, u.name, r.id FROM l JOIN r ON l.k=r.k LEFT JOIN u ON u.k=l.k WHERE r.x>3
SELECT count(*) FROM l, r
SELECT count(*) FROM l, r, u
SELECT l.id, r.id FROM l CROSS JOIN (SELECT * FROM r WHERE id<5) r
SELECT count(*) FROM l POSITIONAL JOIN r
SELECT l.id, r.id rid FROM l POSITIONAL JOIN r
SELECT l.id, r.id FROM l ASOF JOIN r ON l.k=r.k AND l.ts>=r.ts WHERE false
SELECT l.id, r.ts FROM l ASOF JOIN r ON l.k=r.k AND l.ts>=r.ts
SELECT l.id, r.ts FROM l ASOF LEFT JOIN r ON l.k=r.k AND l.ts>=r.ts
SELECT * FROM l NATURAL JOIN u
SELECT count(*) FROM l JOIN r ON l.k=r.k AND random()>=0
SELECT count(*) FROM l JOIN r ON l.k + (random()*0)::INT = r.k
SELECT u.k, e.x FROM u ASOF JOIN (SELECT DISTINCT k, x FROM l) e ON e.k = u.k AND u.k >= e.x
