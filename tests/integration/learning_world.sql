-- Two tables of customers with a planted rule: buyers are large, young and in the south. One of them is slow to read.
CREATE TABLE public.customer (id bigint PRIMARY KEY, org text NOT NULL, size real, age real, visits real, region text, bought boolean NOT NULL);
INSERT INTO public.customer
SELECT i, 'org' || i % 3, s, CASE WHEN i % 11 > 0 THEN a END, i % 13, (ARRAY['north', 'south', 'east', 'west'])[1 + i % 4],
       (hashint4(i * 7 + 5) & 1023) / 1024.0 < 1 / (1 + exp(4 - 5 * s + 3 * a - CASE WHEN i % 4 = 1 THEN 1.5 ELSE 0 END))
FROM (SELECT i, (hashint4(i) & 1023) / 1024.0 AS s, (hashint4(i + 1000003) & 1023) / 1024.0 AS a FROM generate_series(1, 3000) i) r;
SELECT xsell.create_feature_set('customer', 'SELECT id AS entity_id, size, age, visits, region FROM public.customer');
SELECT xsell.create_feature_set('numbers', 'SELECT id AS entity_id, size, age, visits FROM public.customer');
SELECT xsell.create_feature_set('slow', 'SELECT id AS entity_id, size, age, (pg_sleep(0.001) IS NULL) AS waited FROM public.customer WHERE id <= 1500');
SELECT xsell.create_model('buyer', 'customer', 'SELECT id AS entity_id, bought AS y FROM public.customer');
SELECT xsell.create_model('numbers', 'numbers', 'SELECT id AS entity_id, bought AS y FROM public.customer');
SELECT xsell.create_model('slow', 'slow', 'SELECT id AS entity_id, bought AS y FROM public.customer WHERE id <= 1500');
-- What cannot be learned from, and what does not fit into a little memory.
SELECT xsell.create_feature_set('nothing', 'SELECT id AS entity_id, NULL::real AS a, NULL::real AS b FROM public.customer');
SELECT xsell.create_model('all_null', 'nothing', 'SELECT id AS entity_id, bought AS y FROM public.customer');
SELECT xsell.create_model('no_rows', 'numbers', 'SELECT id AS entity_id, bought AS y FROM public.customer WHERE false');
SELECT xsell.create_model('one_class', 'numbers', 'SELECT id AS entity_id, false AS y FROM public.customer');
SELECT xsell.create_model('large', 'numbers', 'SELECT c.id AS entity_id, c.bought AS y, $1 - interval ''1 day'' * d AS as_of FROM public.customer c, generate_series(1, 200) d');
