-- A model of one's own with all four members, rows to score it on, and what the metrics are computed of.
CREATE TABLE public.customer AS
SELECT i AS id, CASE WHEN i % 17 > 0 THEN s::real END AS size, CASE WHEN i % 11 > 0 THEN a::real END AS age, (i % 13)::real AS visits, (hashint4(i + 5) & 255)::real AS noise,
       ((hashint4(i * 7 + 5) & 1023) / 1024.0 < 1 / (1 + exp(3 - 5 * s + 3 * a - CASE WHEN i % 13 > 9 THEN 1.5 ELSE 0 END)))::integer AS y
FROM (SELECT i, (hashint4(i) & 1023) / 1024.0 AS s, (hashint4(i + 1000003) & 1023) / 1024.0 AS a FROM generate_series(1, 6000) i) r;
SELECT xsell.create_feature_set('customer', 'SELECT id::bigint AS entity_id, size, age, visits, noise FROM public.customer');
SELECT xsell.create_model('buyer', 'customer', 'SELECT id::bigint AS entity_id, y FROM public.customer');
CALL xsell.train('buyer', NULL, parameters => '{"weights": {"xgboost": 0.4, "random_forest": 0.2, "gradient_boosting": 0.3, "neural_network": 0.1}, "folds": 0, "rounds": 60, "max_depth": 5,
    "gradient_boosting": {"rounds": 40}, "random_forest": {"trees": 50}, "neural_network": {"epochs": 5}}');
SELECT xsell.deploy('buyer', 1);
CREATE TABLE public.vector AS SELECT f.entity_id, f.x, c.y FROM xsell.features('buyer', xsell.clock()) f JOIN public.customer c ON c.id = f.entity_id WHERE f.entity_id <= 1500;
