-- One condition a line, for joins of l and r of stage_tables.py.
l.k = r.k
l.k = r.kb
l.k = r.kd
l.k::VARCHAR = r.ks
l.k = r.k AND l.k2 = r.k2
l.k IS NOT DISTINCT FROM r.k
l.k = r.k AND l.k2 IS NOT DISTINCT FROM r.k2
l.k + 1 = r.k * 2
l.k = r.k AND l.x < r.x
l.k = r.k AND l.x <> r.x
l.z = r.z
l.dec = r.dec
l.iv = r.iv
l.st = r.st
l.li = r.li
l.s COLLATE NOCASE = r.s
l.k % 5 = r.k % 5 AND l.x = r.x
l.k < r.k AND l.x = 3
l.k = r.k OR l.x = r.x
l.k2 = r.k2 AND (l.x > 3 OR r.x > 4)
true
false
l.k = r.k AND l.k = r.kb
[l.k] = [r.k]
l.k = 5 AND r.k = 5
l.k BETWEEN r.k AND r.x
l.k = (SELECT max(k) FROM u) AND r.k = l.k
