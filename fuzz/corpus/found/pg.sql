CREATE TABLE public.t (
    id integer,
    n text
);
COPY public.t (id, n) FROM stdin;
1	a\tb
2	\N
\.
