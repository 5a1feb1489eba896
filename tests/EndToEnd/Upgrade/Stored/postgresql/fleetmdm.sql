--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: bodies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bodies (
    hash bytea NOT NULL,
    body bytea NOT NULL,
    last_used timestamp(3) with time zone NOT NULL,
    CONSTRAINT bodies_hash_check CHECK ((length(hash) = 32))
);


--
-- Name: device_activity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device_activity (
    id text NOT NULL COLLATE pg_catalog."C",
    last_seen_at timestamp(3) with time zone,
    pushed_at timestamp(3) with time zone,
    push_result text
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.05');


--
-- Name: devices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.devices (
    id text NOT NULL COLLATE pg_catalog."C",
    device_id text NOT NULL COLLATE pg_catalog."C",
    kind smallint NOT NULL,
    status smallint NOT NULL,
    version bigint NOT NULL,
    write_id uuid NOT NULL,
    udid text COLLATE pg_catalog."C",
    serial_number text COLLATE pg_catalog."C",
    product_name text COLLATE pg_catalog."C",
    model text,
    model_name text,
    device_name text,
    os_version text COLLATE pg_catalog."C",
    build_version text,
    imei text,
    meid text,
    user_short_name text,
    user_long_name text,
    school text COLLATE pg_catalog."C",
    invitation_id text COLLATE pg_catalog."C",
    topic text COLLATE pg_catalog."C",
    push_token bytea,
    push_magic text,
    push_token_dead text,
    unlock_token bytea,
    bootstrap_token bytea,
    awaiting_configuration boolean DEFAULT false NOT NULL,
    authenticated_at timestamp(3) with time zone,
    enrolled_at timestamp(3) with time zone,
    token_updated_at timestamp(3) with time zone,
    unenrolled_at timestamp(3) with time zone,
    search text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT devices_device_id_check CHECK (((length(device_id) >= 1) AND (length(device_id) <= 300))),
    CONSTRAINT devices_id_check CHECK (((length(id) >= 1) AND (length(id) <= 300)))
)
WITH (fillfactor='80');


--
-- Name: facts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.facts (
    name text NOT NULL COLLATE pg_catalog."C",
    value bytea NOT NULL
);


--
-- Name: history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
)
PARTITION BY RANGE (finished_at);


--
-- Name: history_202611; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history_202611 (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
);


--
-- Name: history_202612; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history_202612 (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
);


--
-- Name: history_202701; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history_202701 (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
);


--
-- Name: history_202702; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history_202702 (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
);


--
-- Name: history_default; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history_default (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    ending smallint NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    sent_at timestamp(3) with time zone,
    finished_at timestamp(3) with time zone NOT NULL,
    not_now_count integer NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    error_summary text,
    result bytea,
    result_hash bytea
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    scope text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    claim_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    claimed_at timestamp(3) with time zone NOT NULL,
    status integer,
    content_type text,
    body bytea,
    location text
);


--
-- Name: invitations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.invitations (
    id text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    name text,
    school text COLLATE pg_catalog."C",
    max_uses integer,
    uses integer DEFAULT 0 NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    revoked_at timestamp(3) with time zone,
    created_by text NOT NULL,
    CONSTRAINT invitations_id_check CHECK (((length(id) >= 1) AND (length(id) <= 100)))
)
WITH (fillfactor='50');


--
-- Name: invitations_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.invitations ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.invitations_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: issued_certificates; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.issued_certificates (
    sha256 bytea NOT NULL,
    der bytea NOT NULL,
    invitation_id text COLLATE pg_catalog."C",
    renews bytea,
    issued_at timestamp(3) with time zone NOT NULL,
    not_after timestamp(3) with time zone NOT NULL,
    CONSTRAINT issued_certificates_sha256_check CHECK ((length(sha256) = 32))
);


--
-- Name: key_ring; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_ring (
    name text NOT NULL COLLATE pg_catalog."C",
    xml text NOT NULL
);


--
-- Name: operations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.operations (
    id text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone,
    requested_by text NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    announced_at timestamp(3) with time zone,
    cancelled_at timestamp(3) with time zone,
    pushed_after bigint,
    pushed bigint DEFAULT 0 NOT NULL,
    CONSTRAINT operations_command_uuid_check CHECK (((length(command_uuid) >= 1) AND (length(command_uuid) <= 100))),
    CONSTRAINT operations_id_check CHECK (((length(id) >= 1) AND (length(id) <= 100)))
);


--
-- Name: operations_number_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.operations ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.operations_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: orleansmembershiptable; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orleansmembershiptable (
    deploymentid text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    port integer NOT NULL,
    generation integer NOT NULL,
    siloname text NOT NULL,
    hostname text NOT NULL,
    status integer NOT NULL,
    proxyport integer,
    suspecttimes text,
    starttime timestamp(3) with time zone NOT NULL,
    iamalivetime timestamp(3) with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: orleansmembershipversiontable; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orleansmembershipversiontable (
    deploymentid text NOT NULL COLLATE pg_catalog."C",
    version integer DEFAULT 0 NOT NULL,
    "timestamp" timestamp(3) with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');


--
-- Name: orleansquery; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orleansquery (
    querykey character varying(64) NOT NULL,
    querytext character varying(8000) NOT NULL
);


--
-- Name: orleansstorage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orleansstorage (
    serviceid text NOT NULL COLLATE pg_catalog."C",
    graintypestring text NOT NULL COLLATE pg_catalog."C",
    grainidn0 bigint NOT NULL,
    grainidn1 bigint NOT NULL,
    grainidextensionstring text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    payloadbinary bytea,
    modifiedon timestamp(3) with time zone NOT NULL
)
WITH (fillfactor='70');


--
-- Name: pins; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pins (
    sha256 bytea NOT NULL,
    device_id text NOT NULL COLLATE pg_catalog."C",
    not_after timestamp(3) with time zone NOT NULL,
    pinned_at timestamp(3) with time zone NOT NULL
);


--
-- Name: queue; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.queue (
    enrolment_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    command_uuid text NOT NULL COLLATE pg_catalog."C",
    request_type text NOT NULL,
    body_hash bytea NOT NULL,
    accepted_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone,
    operation_id text COLLATE pg_catalog."C",
    not_now_count integer DEFAULT 0 NOT NULL,
    not_now_at timestamp(3) with time zone,
    CONSTRAINT queue_command_uuid_check CHECK (((length(command_uuid) >= 1) AND (length(command_uuid) <= 100))),
    CONSTRAINT queue_enrolment_id_check CHECK (((length(enrolment_id) >= 1) AND (length(enrolment_id) <= 300)))
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.05');


--
-- Name: queue_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.queue ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.queue_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: schema_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_version (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: used_challenges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.used_challenges (
    hash bytea NOT NULL,
    invitation_id text NOT NULL COLLATE pg_catalog."C",
    public_key_hash bytea NOT NULL,
    certificate bytea NOT NULL,
    used_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT used_challenges_hash_check CHECK ((length(hash) = 32))
);


--
-- Name: history_202611; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ATTACH PARTITION public.history_202611 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');


--
-- Name: history_202612; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ATTACH PARTITION public.history_202612 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');


--
-- Name: history_202701; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ATTACH PARTITION public.history_202701 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');


--
-- Name: history_202702; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ATTACH PARTITION public.history_202702 FOR VALUES FROM ('2027-02-01 00:00:00+00') TO ('2027-03-01 00:00:00+00');


--
-- Name: history_default; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ATTACH PARTITION public.history_default DEFAULT;


--
-- Data for Name: bodies; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.bodies (hash, body, last_used) FROM stdin;
\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e446576696365496e666f726d6174696f6e3c2f737472696e673e3c6b65793e517565726965733c2f6b65793e3c61727261793e3c737472696e673e4465766963654e616d653c2f737472696e673e3c737472696e673e4f5356657273696f6e3c2f737472696e673e3c737472696e673e53657269616c4e756d6265723c2f737472696e673e3c2f61727261793e3c2f646963743e	2026-11-29 08:01:51.397+00
\\x31842a1a1ece8edd5ad4faf9c78b46cfbe6ba01d1ac446b9d657c925a9f7b051	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e53657474696e67733c2f737472696e673e3c6b65793e53657474696e67733c2f6b65793e3c61727261793e3c646963743e3c6b65793e4974656d3c2f6b65793e3c737472696e673e4465766963654e616d653c2f737472696e673e3c6b65793e4465766963654e616d653c2f6b65793e3c737472696e673e736563726574206e616d6520313c2f737472696e673e3c2f646963743e3c2f61727261793e3c2f646963743e	2026-11-29 08:01:52.339+00
\\x3cebad93358566b8c19a6fbc8f88fbd514ab04fa5ab5161664c7b48f99e8e9be	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e53657474696e67733c2f737472696e673e3c6b65793e53657474696e67733c2f6b65793e3c61727261793e3c646963743e3c6b65793e4974656d3c2f6b65793e3c737472696e673e4465766963654e616d653c2f737472696e673e3c6b65793e4465766963654e616d653c2f6b65793e3c737472696e673e736563726574206e616d6520323c2f737472696e673e3c2f646963743e3c2f61727261793e3c2f646963743e	2026-11-29 08:01:54.619+00
\\x10fce936ee20942ae173b1b67626c6261396080f48ad9e44f50bbecbae5716db	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e436c65617250617373636f64653c2f737472696e673e3c2f646963743e	2026-11-29 08:01:54.655+00
\\x9b6364f6a8e284aa286b9ced07fd174ad316c72209ccd5c9a5e8c2aaa1b002d7	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e53657474696e67733c2f737472696e673e3c6b65793e53657474696e67733c2f6b65793e3c61727261793e3c646963743e3c6b65793e4974656d3c2f6b65793e3c737472696e673e4465766963654e616d653c2f737472696e673e3c6b65793e4465766963654e616d653c2f6b65793e3c737472696e673e736563726574206e616d6520333c2f737472696e673e3c2f646963743e3c2f61727261793e3c2f646963743e	2026-11-29 08:01:56.199+00
\\x1f4a8f77f9ef6fe909c92ff960cc73ea4aac9c3517bcbcbfca8b39f32b925365	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e53657474696e67733c2f737472696e673e3c6b65793e53657474696e67733c2f6b65793e3c61727261793e3c646963743e3c6b65793e4974656d3c2f6b65793e3c737472696e673e4465766963654e616d653c2f737472696e673e3c6b65793e4465766963654e616d653c2f6b65793e3c737472696e673e736563726574206e616d6520343c2f737472696e673e3c2f646963743e3c2f61727261793e3c2f646963743e	2026-11-29 08:01:58.286+00
\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	\\x3c646963743e3c6b65793e52657175657374547970653c2f6b65793e3c737472696e673e526573746172744465766963653c2f737472696e673e3c2f646963743e	2026-11-29 08:01:58.731+00
\.


--
-- Data for Name: device_activity; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.device_activity (id, last_seen_at, pushed_at, push_result) FROM stdin;
00008101-FB5E512425FC9449:asa	2026-11-29 08:01:57.746+00	\N	\N
00008101-2594B6A92EBFB1C3	2026-11-29 08:01:58.569+00	2026-11-29 08:01:58.563+00	accepted
00008101-67ABDD721024F0FF	2026-11-29 08:01:51.752+00	2026-11-29 08:01:58.829+00	accepted
00008101-26B25D457597A7B0	2026-11-29 08:01:54.089+00	2026-11-29 08:01:58.829+00	accepted
00008101-9D9F290527A6BE62	2026-11-29 08:01:55.651+00	2026-11-29 08:01:58.845+00	accepted
00008101-FB5E512425FC9449	2026-11-29 08:01:57.761+00	2026-11-29 08:01:58.845+00	accepted
\.


--
-- Data for Name: devices; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.devices (id, device_id, kind, status, version, write_id, udid, serial_number, product_name, model, model_name, device_name, os_version, build_version, imei, meid, user_short_name, user_long_name, school, invitation_id, topic, push_token, push_magic, push_token_dead, unlock_token, bootstrap_token, awaiting_configuration, authenticated_at, enrolled_at, token_updated_at, unenrolled_at, search) FROM stdin;
00008101-67ABDD721024F0FF	00008101-67ABDD721024F0FF	1	2	2	9b63c5ee-9657-4faf-bb10-235c8fc07e12	00008101-67ABDD721024F0FF	DMP0000001VF	iPad13,18	\N	\N	\N	18.3	22D60	\N	\N	\N	\N	Sundskolan	B8eoWr71wqbLuA85qjCLEw	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\\x951bc938cf05aa299cb349e74c52f086aa91a538c9fa3160e18249ace3b971c1	7189D562-DD90-449C-8A33-1241B58FB8E3	\N	\\x01f1af72cf360a56a20316f443f59b0be5e1f2ef6e3eaceae2461b824dfee179032a7c422e28c2c198c89efcee0622b2631d2b98e224f984df8faf091d8f7f9f132392559c3b87e47fd66afab9b8296abe43b9e6da1796c3b93fa379dc045fed99ba6f033a6d79f9f7158d5d890d5e619f8322a2a4f8a587e9535fc38f1550375ef0ec08bf32548e96f436141941f7b1376a14abd31d1511952cd0f3a4bfc9c2473291dd4358d1147fd988d80d001e7d2fd018c624524454f522a1394f0d15ac5ac5c63b9cfc145a628bb15a005de534299935bdcbec77b516959b2274ac188696eaf728de6ef6248b5a9320fe8b4418b9f7beb0725b42e7be7b32700b920a32a2f3437f8fb3a00f29f4e9d38329657cb7e5126d81c4ab43dce214d85ffad4af40496f95d9b40909c8e1b7d6cccb92d9d76cf0d264d045375ef3502feca762d4204ec8a5787682c859a3b1314369c7a4ae8a69997eda54d1266c1e327c06160720bf11e6a017ec7fc487cf110893c62c8fe34007a160c4802957e55d159c651cb1e920a2cdce7fd1787938bfa593ac1976e8820f14abd37e4553b08eda25b59e3d8f67ba6c821f114b7a389f967e34f7c07ad021a591dabdf00ce01ff2453db87f8b277b1fd8fd5ca6eaa987dc9496f81bef3dfa4d45c0b1e0366744069170cf62e784a82dcfa26f5d3204a02a13053c9b413d6aae40fba833b0e4f90c5f57a61ae8143a0dcf48399863eee09ef11982fa7d6f844aa72cb26e0a886883b4b1345275686aec7bea479f7537f2bd1548df84da311eb9dedfdf4d7716ba257100af4ce74a820af2012d80842e88377c5d951fc26270050268dd9f6872334402d5171ed7705916efb06f82abf0d3d0077d4d38b02f1a44cd10ace9e5d80135666fbd11d56d3dbf86c049d9299b49b8df4010358ebc919177b81b61c98a3a94c80e6518005f02d81e2cf9ed65cd60eed7515b0e98f862126f962acf12e541ae4d48fa196930f150493a502097aecfb4db4f2e3686d517c094dd4ec4261ac8b9f6e1a45c51717b27a68e96c69b45a6ecc5639bc33aba9d6c7afac6d0d628d53a357d4a649043cfe4dfbfa774fb0386f917ab59bde5139b505a52f134277c1cd0692209f71dc9231977a82771cac6c040ca944ed25e047caf3b3cef1fde79fe9daa7f2cc5369dc589df671587e55c9abec62d1ed9dc515b3fb0061661f0ceeba5e78f3921e17f06c60d2e1ac6824e2f5bfd98f1313a75ed7114b32b37a1c319765a1df42cf86da1e7efd0c12eacc77e044486bc969f483a994684bb36d30a93dbebe0bf86179785f976d774bf6b4f7de7248c3adb39d74cd5d8f60d9e6075da6259a6f59dc9af193e6d143464b948aead49a09de71a89b66a13b3403e4ab14c02337f8e2fe635156b6efd60072038fa12a4db4826c8284792559a857adfdfcfac21531c640954314aa20cb05c39501565c6532d16e9eae4ab4b691f20affcffebabf22cc281133de640a0775068e2d6521c7c672b42efa09a78e17aed51d9083321dad0c114e7770b66910e0fad47a51b878d0f2be3f66e25edca69e8de61b89a81ba199e246092c88cd437722bedc065dbb116af083645dec633a97fa7873c6ab1ff62b78186354dea13e31a8de6587bf09aef01fd74097fb27f9e95d011c0ce71f58e593fade5a9aeab5911e35e75ce1008e0e5658545a9605b1338a8054540571f913bb89209a86ae5fb40237c9ab5b58a3264c817b3b2b067b392db92332dbcb1d5bc21046bda6e3a539bf3e9aee72f3bc68e51652c4877bf8e3b40668dc6813a9459687a9b6a566c085a2ea800ef24734c14fc05765386809a5ed1c71c6300608da9446682539439c3d85bc27b7e048f9a03e498a12b6494cc96a4afa6dc8ddec5aa1c9666916b0c6ba1f643507e116767e7c65a78e2622d09c1981a4decba826a9ff32aa11d92b82c3cf2ef56b1cbc37af6bb913f2f47e185ecf621b29fe49550fc267bfb5619cf85da8791444f65b8ee2f0d6164b036b4ad52a902ce9a54a34063bdcaec56926ca50a8379458f915a99cb1a2290c51cc6b66e8cbf1908fd5912e2603d79a75056dc8cf9869a59adf4eb9f0e30279bc1d5aa499771e1583a35811ff761d289657b42d6152fe65cc8916f379879955040fddc358f82ad06e0fce18b569cd05234216c09add3f52321b9348852cfbfe56d6375fccd7de01b788908387cb59de44a07a90bcd892638dec0dfd6c4734bcd86bfd677f8193d981a9047e3bb0b49edde3cdfb4c051b584a09efa782304f33c263b1a5f0ba236271127889010a4e58621305a4c5d3bddff2724987627ea40178ace97f6e9ef2c105019a1e7143e9a8d359f33ce5ca929a9ff43947ec7c104589c9b9ad9a54a3b95241f0144e6cad138ee6251cfc9dbdde97903b978f605c2cb1ff9874589f87c584997773683e7642f9a542310cc7d4b3770a48fb421598ad071ace2a0744b7e439c0e818d13d6b62641b5f141f5bd88a24d6886dfdec3f3856cce0afcae8e7fe1d3846f32a5012a820ed4eaada6052df33a34eed837852a60b2c311f1274f633df0e0e8067cb0cd6fb52f3482f33080b03f56ea101edebf2f2f3ea22204d654ac944615b57a0598e918f1b745cc2887c52a828a19f93a389297d7e00aa679e45d379cf63e001fe41fbe7fe633dc5fbd911b3a39c4f5e6f538bf4c0bed928c816201597b2d53cedf4e2bdb78e135f3912fdfcc5225b0b684661de1dd7f6fa9aa4c57e95a986df94b46c45db0ca1fb4c74684dce5ba77a9585fd6a59c9322537ac1f333f389393216402abb20b8303c2edf4835a134ad1230f966a5268607331eda71a8818978499f06be02411028b26e85a56a7fbefdf70427d45f3706e876eeab80ba287c6cf64377c3e727961d4bd94256f6679d7749f0e62ed828c3eba4eb13	\N	f	2026-11-29 08:01:50.99+00	2026-11-29 08:01:51.291+00	2026-11-29 08:01:51.291+00	\N	dmp0000001vf\n00008101-67abdd721024f0ff
00008101-26B25D457597A7B0	00008101-26B25D457597A7B0	1	2	2	af44037e-7264-4f8f-b60c-01c994a3d1fc	00008101-26B25D457597A7B0	DMP0000002VF	iPad13,18	\N	\N	\N	18.3	22D60	\N	\N	\N	\N	Sundskolan	B8eoWr71wqbLuA85qjCLEw	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\\x82af8095066aa58750de2c0d83356150922e0ee7f939d300902faa82691c90bd	C61CA3B0-33D7-4E62-961B-53DC1D132CF6	\N	\\x01c622f0f95ebeb848f5e5496eccb0a63906f479754449ccd3adad1a934f8a89d3c81baa03eeb301624ac378ae6ca6f7110376f44593f084b645930fce36e90da1451cf1cfab9b9157f7b9bd8a12ba6aebe3be3590233acacd4d6e939b2af049eb78681e45ec573dc8d99b629a566c80cd60aa8dbbff77f7e0468eb9bd4e5b690bd65d0a7f25d76763e819f5f5dc2793726815139e6e50f16f9f3ea16fc4ffc7610222870f5a0605757dcfea22841804d0c7acf4c4126d82b65eb49327e2d3026b1d53b9f7646295572f52f7b4b92477a0d825e9bff85fec000413d801dd106ae8ba9a227d6d64f4804c0a11f9ba0af82085eff50913e3d9537c6e7d5c410d810d70791d5ab947617a118ff08c18a9e16c5e381515981a05bf53237027bc206437af9ef3d0c88b586c701e7b0e2dee6b01259532b38615c1d5827db198baddb598e86df92759e2d08cd0934faf1982250aa9042cdc01d01f636e7016fa7f20e18b9dbb19dffe6330bdd0fff81a64ded8eb296b648fde48d49a0addc2f73a65c4c5f41ddb723879ad1ab7ce5fd9ee6db75718be17b7b803f1d82e2fa953eaa3b5bc709c79dfb208304c74d0e7157562e018417a8a3fdb48ae72d3b01a4b95d9986b83d3b114b3e6c41db2e2f529bd3820abe4804a99aeba07293ea7ea70c8a59a6429ab685a10df507c239039ad5f4470fea9ec97e09072041052e5c753b8caf6f3426b1d1831dd1df0867379d5191ef5fefa7b389aad2db1309c4b0e96a92028dd88fd86dc29452b7c765ff03cd82d23543e17bf5b3d899ae183f555c879a2ee8d55e98ace08d8090746afd14289708ccdd06259770aa09be7a6a06583f9bbecf479abae951f36f15c93cdb37bed2fd089e11bac4bd5b1c2289064de1ba603ae30eef4fefb8630540b3c8c93f537c1ae5f731c98eb13475d4926897f0c5c0f7b8f9c49bdf8c3f8da95d5ff7eec658e505a80fa1a9987fd6cb4eff643cc8bbdaee681aa45eb8f9003822092abcf5937e73dcee42d639ff6cc16f6d5f1397281896c68a2f28141ef2f717af2cf7bcf0c3ced64fb477d9fd5b0aca420e1a17913e0506acab3d89c8c0b42d54b7e2c88e78f9575ec9af6f7853a0ace08e81bdf41be15d2be461798565777efdd161ac32002320d3433e6895404a7c9eddc43f3e3b8696c8745eb1e82bc6e8e1e5634889f1dfdf2f598e246ff8db1ed81003833aa85af339f1eec19967dedb99789e35d2f4c5eeca36954caa9fb19c75dc1482139be87354dc208d749971c03b6c30b3928aa16ae8eaefba459b5b04e1cd90fe25f561217d61fe4d7bbf8dda9c5ccfd618ec57cbb4d0622198319eae64bef73453b6c1c4fdd80aac2478ba0fe5b4b97af504c4f1843da2bb56203e46152baae42cfa156518535199ac60be85789fce15469122040c12f50d223dd5b8534f34641876002e8b1d9e7c33240012f493b89d3d0dbecaeb20ed80b1cb31466e533a86c43561ced7603408282d3bbf5fe775960547c459d59715918b48044f46411c63bad81382c7bca4a245973036857ae0d5891e8343a02777883625fe8a4e1298dc0e639758d5e71e205d6cc6a726f3b47185ea97ec536b86467192802679a251c613dd485eac6218b15dc5bfd534796b4ddd8493f6b32baeb8822cc4f44c371b799c587444232a7bc7b5a95f33bc88ff43fc89cc0092dad1f7b7c430484128ad607bea5661a21fad3af385c2e2c3fc110032234ce1ed0f23268752ef4fe7407d00dc6c416b430e003fe8261351a808142fcbee0c7d557256b289f208c654e0249bd4fbc6a202df75bbd09c7216cba70ce2f7d3b73392f9221fced036a6127510aad3da75fdcf1ccc811f79a111ba269170c4c8fdd99e97e9290002939313c5d242c05dc4c964961ea22f739ffbd1477cc70ec33283a8e11c8172eee6d0b3c14b53ee4c9b0f60d7604287bb30dc30a5a5f2b47624384cd9ec0d7ae67b9dbbe226e0959250918254b6507673689006b0c98d63def28e7e339f2e40f129d69821a9f5bfe76be7f176a026662b78e939c3ea842b67362aa1976404eb583a270449d01fa40935feba34b9a44b6b41e5df86055042e232f8b81e170fe805b3c09e8e51001c68f5417aba6dc9fd43ff745521aae9841963c9af83f435a4c4aa4f691a07ccd5b66a315aae24abd14b8fdeb865a0613dc29ea8efe2d7398cffae12b27dd3703da7589d3541c2126d0f7117260c7bb5798530f97aa23e5e82940be3851d27e147bdcd281ce0788db0e49570bc377f870ba2dcd90f77beb619f95890855bb495c16d1bef64aea7f927336d550c1521fef4e3887ff6d728f0ec2304a34921ed52c4b4d4c31b8c2c97d731ba501e070ba03d3b7df960c14610c66014f0cc62382dd5fe79fab963c9b07904ee07e840bd1704aad4e0f0f45824472632f646b4ed4a07172470f87c1607576b2cc76cef722a2af128fddc5b6e4779db03b0072f35807abdb343dd2df79b16b4b3f23d72602a3bf1c3d3443ec6aab2a179955d025d0261ce0a67ee8955c101e9b83b67ba95bffe37f463d4b11bbdaf255cd6a8cbc0f3f136a4751056db139f5e958b180fd9a58c7692e79f16c56958c35634be95b55df0c3ebace14f264587fb1d4742be6c0bccf22d44d9d9c2bcd872fe3e7d8b5795037d87ed2f336c0af6c42ed7810ca78cf22ea818ae9fc645e40319e89ad4b260034036d0104c87f5809a459653ca67b8554d10ee702b62ca90e616c65769db0881e407d0bef71949a9196fb8e4661302b46773e85ed93047c20bb5681793d1a79616f33f63f5532dd769ba81d806cb71061903948abbac8bd572a81addea297266678d6380f9a3196b7ca697a82910ddd8b0a9ef842ccf0e954083c4a2f3b0bc6aa9732d35bb81ce5f8b206b01acf8c529339aa98d757662e028f968a7320b2	\N	f	2026-11-29 08:01:54.029+00	2026-11-29 08:01:54.039+00	2026-11-29 08:01:54.039+00	\N	dmp0000002vf\n00008101-26b25d457597a7b0
00008101-9D9F290527A6BE62	00008101-9D9F290527A6BE62	1	2	2	e78d02a9-4549-465c-a120-636a596bd047	00008101-9D9F290527A6BE62	DMP0000003VF	iPad13,18	\N	\N	\N	18.3	22D60	\N	\N	\N	\N	Sundskolan	B8eoWr71wqbLuA85qjCLEw	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\\x6111d1c5057a2c78048aa3ade99bd3a187968e3fc5c2cf4e0e016ac6410cabc8	DB2551F4-5839-4784-B810-5D834156D2E6	\N	\\x01f1cbc2bd8ad9fa3baa2bf2b7f32f10f0526c7eecdceb6b05b9b7711cc24c0a453a8034ac9f6e71d999c728864cad3c686a0a451352e0bb612c41d5777f174f6c6bb2b8d5b687b4b85791f5546b1ac47a560161d7076fee276c4576c25c38187f261a97cc437524a32fd477e973a3f14c841e53f3180704a1840a821b359fda4b667372b0964a789f98c8044e114d79b75fea3bc5d5333aa37e49cee2a08a34f86c2e86025109dbe23990045b80d8c4e79d3001dbb4feb28f2c12f2e0f867eb664e3b0682242d73a8d1803f7596ea037d59cc65233e2497ac3ccb705d0247f0b41f756def5cd090267da681515d429d545d98a802510c17b95efc0dba7a7b728ebb8a5bfcef79f4f53045b88f20a8558c5fd606c8157ba2c3d1bf20fe957b25096d3ad4ad6e69a7d304e3277b739d7a7eb5bd1fb1ad35846ff69d808782e8e2e280f26090c59cd45b53949277844548cdc5c1ea8094bafbe4040dcd30e80ab1896fc59423afc5fa1e280910ab08d0c0e8df6b18e993b8433815da9d0e35313e0cda460c2787763fc1b94ae9b6f04d00c3d93293188706663b8f8c896777323052af095167234ac96b377c661e34f0ae01c8b473f726992a16c45bc2884388e0f48b7d6e1a398f00824df9f658ef5a7b7eb549cb077d99c22180603e2ec495d405d1eb29e7e6e2c79896a5b58a2cff73d799a56ef4cc5942dcd1c9fdc28f8a6ba31a50c818a83be508e9af09b367c7a453e8bbc131c293d88fad7a6029152f77cfedcd4d4558570ba0dc0f3a561bffde12f07e80d929e6c15cdf4723338171f9124fd2607db700bbfb870c9760e000f322d35b77d82b930d0cc29aee9bb11709ab241865512d2a6356d21515b1acf520af26450919c20a2ba624f2d9da7568fc3d0180edeadf70797589fd762ae3574366bb859882b9d370a8a8bf9ec2ae4c09679e59c66b68fd3898ae9f4d83162abd44afd1371af095fa4c545d050d267ad5d0c04967444564f223cb9680948b1e9cb44ea9cf6f34f780fd64f17fc0d6326c843684c4d692d4c53dc4cf633da62298371f8f1c9e1a169791425b3322bb88e9303a78559c1dca887bb070772956bb43e1671c09a838f4bc23d016782198c1f65784031d2ca158fc551732a1eb2e02595ff7ca66253f342f843a978454bad0ea005bf1dda174a72b6ecd3b62e0a550d95c426354f080c9eb2136281ae6059e1da5087fdfe0b62a5994a6d03f8ed8d975ad4486758feec76943f17be6159978fcb8026a01b9b862e60653191c4aa7148a7acdbae9ee9a9fe733eebec59dd481d42c8ef8bf89a57956c7693d4d507424fe6a8b786acf8ceee4d7ebc3cef14bfd2fc7d401a4dc915bde2a093107a57de117d8bf8cf3e1b33d3427ae2a7c446f713cc3d6e799f86caf802a028e7a6bf0f3398535e3d8cb2d877d74cf8a9b585cfa2cf7bfa419d581139a715d4033b6e3e16fd39a92847a66844c5d2854a74e6e8dede2dde88cb5fd31a1737e248043b72e777c1084457692ba67a951c8f0bc26639dd68e5926b5c1cd4c0ead7338e985ef8c7dc6e97f48925ac17f8dbb4fc3fb7c92be6157d81542d6feab33db71a2189e6faf47535f0d1722c5c75892f55fb41a1dded27d9b34f9f4b8f181c8bfe43278f9417dbe71398f9f5bda4547240388049719ae4a0836b61265ade0503eb63616af8963a7025d6169b219c716bfac6add85718b5851cc2024ebf251c47a87535e9208d45e02e277d6e068553224eae440139106cfd89bdb66abacafaa1f0cfe5b343036802c2ffc07bd5c3330498574cba3f0cd60e40f1da23628040914c64cbb16eddca5547f600b8847d925299c73780dd995bd194d497fe0bd5fef4a2d92d0918be756f6a0371e5fd2f8b36660de7e7746bfc8c36d01da2fc134f1493327c1da4c33c115392d084b5ff38e15023186b9817ad2eaa3723fb634f49dd1522fb46140b5f85cc8eb6cfbee636fc95fce93f5633a5adc89a7fb6ebc20c1c7c3a77b1081e8a0c2a88051b4177f46face763e71a15733008d4b3b68f16ba2e7b2f8103a46de1328860a5bd5553ed7dc0ea2e0f2a971b21a0297e8b2a62324c002796674f938610ad0a3d71b7c60cf7ac8bbc3b4d12b6c03d95f327505f184c168c4daf5cb086661ce060df95e7e370f836730733a0bda831ec186645cbaa872f808d614cbf58cd8618ff9b39454dcf25c491e07d4e940919e37201b77de0a6af5f33e2f80e08f964520c35ec1541cfc880aa644a882554e65065e957cd1f530494428859ce59a64dcfa1617ced8d3fd37de19c5831bdbc43c10eba84cc7c59c06fb8f615c95dd249b807b257b6cb5cdc94410f7c3f2cad36d59f8bc665b6b44e6d97c2073b90b9e757913e0bc410ae228972d1595a8803b4047932c21581af6cdc216a54e9ffcb15dc6d93da3d27e07800830c4e2ea63a03f26d786acd9e51f230c606e8ceec52fe46532746160d45a819ff6ff9b0e71b035dbbf434edaa36d04a685c29cc27ba54b0225fb88296c2cd067fcea21c9f28f3b76adde637c3b77c2a039dedd9f252cf5fc17bbae6e7cd218825adc4cc7c58fd305cb14535476a90abf8bb9153afadeb7a190dbc0642600616692408d2fd1f9841f59d95c0a37c02219ef081a8ef96576350254d2017bdffc2364902d56ad0414c97e5d0f5f08b83031a7f874ad522f01fdc434a327e83c9e4e4597076fae7fb0e2de51785f214c4a294ab1db91afe42288d85a969119366b21abaff0e552d41e148069f6b7f1def980cb84d619ea67dda1206af9f60d7fb7aaabbbee49c12415240a131b1b2c21c7a06c715d86b0e59fd9bbca6eaf1df98bc08ab3e60dbe5f7e60b11eeea9cbd6a828a5f73cad705ac7c0afca2f0af5b98dda8b28d31c63998be7eb9a47bb6d6cee76ce30e41f4854b38c86beffbfdf2bd8	\N	f	2026-11-29 08:01:55.556+00	2026-11-29 08:01:55.582+00	2026-11-29 08:01:55.582+00	\N	dmp0000003vf\n00008101-9d9f290527a6be62
00008101-FB5E512425FC9449	00008101-FB5E512425FC9449	1	2	2	dd4ea8e7-3d84-460a-b35a-6456c95215fa	00008101-FB5E512425FC9449	DMP0000004VF	iPad13,18	\N	\N	\N	18.3	22D60	\N	\N	\N	\N	Sundskolan	B8eoWr71wqbLuA85qjCLEw	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\\x3c2ddd923ea7f8dbb1cbd2f7a5ae8063573c5c43e38a39ac74c96b26cb183c08	9A0B536A-D1A5-42E1-BB59-6A01D2BE2AB4	\N	\\x01e0d6d282398e8b9d1ecd236f6eda79054f25d85607c091fa6eff2826897c2b04afd6a03b2a2fce2128ee1b3bc1afabb40ab402453bc104c54873bf8ff874269f686565a71c4c6a2ec30df9b039c12fd8e5d129c32f9ade434c71424463df05fc963a3f8d17fe030b3286b66876e59c9e31479f0417aafd552e4115625032ed5ba9723a17e9fa1f2b90772c04fa7deaa5b5a961e4d5e9d6e1ef03a71c5b8037e8cad7287943188ace1c7781eafc02c9e55dfdf63541aa7d114db3d010dc2e17940625d51e8911a82137bffd1346af5799ee99b2803dd95f7484a56c6abb39aeea5d3b6d18375d98a77e05666749317d7013d4e29b6978f8edfda4e333b0b6134a214edd7e365e8ce9f4598494fdcc8f962e4335e3202adc2d60d80391a3e1beeee9055e30bcd247d94ef723eeab2527534064de87d57ba6ad600bbe3087a2b6ccd52ab3a6586e11cc6817fe50d48f313936b6a6e194f72f320ca3a829f56ac8ac88c6efde79ed2cd60da98710d7c01a93888209934603db801cb8e63a250eb156bd4727051650114aa1ab5b4e64be9229e0a93ca79cf48e4d0489bfd908b0384544451716337575caf46851cb95c76231e2646776cfd4e949de4034e9ad645e724679d3d013a09ec1993b0b2ac2175365c98336ce6d555582d1c11fd65e4840038d7a909ea6ac1cc0ce072c0b822fcd3536424623f035f714023365e907c5c75f426be2991361a491c56a7205a0cbd8a4e34aaab3df3a0325505b6acdec26a826295d82fcf34d9744eb27ecc009a5c1b4854f0d8f1bab716b76a974593b479c6168ff4471bcb7fbdb6e00a359b7d1e789d25dbb3996e5c0a7316422cfb39b0a8c9ff010f2a2cda77da5166da8405724c1508e9bb79db2b419b26b60fc30acc9811012330cd7f386985ef01baa10b48a08b2c52d07fb1c48a60bf7904b9d56ea153ea67f6029f6b7a0cf31b5a05f77dec7071b187cc8ffabc2951691387eab0ecd4ba537a613fdad17208251cc2fd631180312ad4e4334d231ef2cccc09c867827b6c434815ab50b172e443984fda04b06de28861037b6c9a48455c6245061fb0abd77feb7f8dfdfa4cd54385cea9981d0999181fe2a67ff34c39a1384b1c93d494501430f5a1e57077a9a1c497508beac45d9bc8be3e865f67065c3967c94a87af45e80858e38cde216f121cb7d341ad1451dd54f8b281ee93ce1b03e5298ccde5650c9771f1203a41a34c8c6aa1bc5eda8a675168782e07442a2057246a3e9f0d3e5ef8f1070f582ebebd64fe7a52b4238715c705e6bfeeede6a217808002753cf6e9e702827021a49615ca412759ae859bc64861077e2203339a363f5aa845046499e271d0b31a99b11f319d4284f142ee67a4fb26f864a876cddce2c49f2d484b2b90982710baa0ac7b510b3201e6ca73ce1ce20c314a338e8eb3bfe77680f07acdc839e02ed16e2331645ad837d2be6a420a2bf814fdf9ca31cd7214ce744f52ca8066ba83bb55fefbce9b8aa00d5b03d52bc1f0a1625c4ecd5287bf636f6673d1184c388c631961591c9c27691504f0947efb282574cf9429097fa04ccbc1bce7c91901ed288c498a760df886d751a3e480229ac5451de2a92da9602988b64e3dc0f029e75a9516acc7ccb5356fa754f12351c62daf94afb941143cf9f23be23e040c1195c89f660da03f8930b63d5e83265204d23afdc7d23d83d156b7143daea0fa61d82cc66228ca5fe89c6902b926d68ad1cde8f52ef977ea2a61f97a886740b12da70912e69c485c7a1ffcc8a1ff73a29076ac4bf0523f3a01e05c6d77610cd4c8d547a6eefc1ad4a95732b297d386693c828762d080553b648e69ee015198101dc66df42a441917a7ca3840dc8ed158eaf9004221f2fbe4cd509b18a062cdb6916bbb68ea8999049a145d9ebf3b376afb9080d82ac55d9990c9381d74e560524f1433ff9ac3ea37b676d55b6f049e3304fb4853017aced1a191a195825cbdb25221aa4c8ea0a786711262e3b908dcc7a96fd945881db9990a3aa29c01614bcc0aa23ed1f9800455de53c773fa873d3fa10b93d908996e227421ee3ae85fad1119d51369c579aa11c7f3ac3490d423fd6ea22e1fb791f97e3362beb3ba6be9365c42bc7da321262e102e8f0dbe12e176bbd758eaa5fc5aabceadfe67b5ecc23de43574667d7e43363dd7aa59940ccf7583401fd0874d957a36faef9abb022f0093798c82e26a6ebd0f1fcea64ebc797043568c20ee146135f41e6e96920871975a508f1a553d16fcca90e1d16ed8359aedf251991d537ac7c0ed991d2ebde6b725f133a805ea01c9bb84092cb0234235baae88fc2a84569503942980f30f17e110108e7d27b1caefa0bf458d2037de5eb9ce26d804fa889dd0ea3ba4c0fc113813de947f76182e0c68a5be66634a9bfe60c60d14ab09ae9429bdaf2a9451c45195c6b02dce42e4bfb6005d2220e27b52513ddb55742f7d9414f83ed1c812e4e4312a03aef4f1868f44f3e369e558fe84d93b296505676d3a82ac22da4eb1c2302e515db62c6dca5ef9b606b88a7ab4a1fa8be32de8d98f4be8453d815a28eb1a70b84b7e82e6bbdf7f1211019bfbfcd816d1a7dbf55971d45847f0cbb003912c9c5b3f88dfea3e6e528e6b1353d6ff0e324d253ebd7497ba0705c44bed98eb46c4abf62baf9cfb48da3f0317d5bc92ca4f235b812b312ebd97eba4ca92c47ca59137653780e7d0cbbc06d5f1152d7f657540082008bd7f6128addb4dd213de62eb296d475edcca98396d6878e5d4b8303daa4e8756d8547e822163e77559a6c642a2d37adf9c54f7f6b357c2b13824b0967d8b9e9c0dfe086401b990f75fe37413312183d192f74492d9bcbfb5488c20b7f209eb06a5d119a7388e569bb5ed71015a5e0d7e37d77b2446d7fe9af057dede36e63ab5ca191	\N	f	2026-11-29 08:01:57.675+00	2026-11-29 08:01:57.691+00	2026-11-29 08:01:57.691+00	\N	dmp0000004vf\n00008101-fb5e512425fc9449
00008101-FB5E512425FC9449:asa	00008101-FB5E512425FC9449	3	2	1	f15df3ea-67b3-46ba-9d33-8657295cff07	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	asa	asa	\N	\N	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\\x982a6f1b94b573ed7b13d9ba52f128e2ccc2cb8f29ed45be1f22c1e9d68fcf96	9699A1B4-80E1-44D1-AEB8-02460F1F065C	\N	\N	\N	f	\N	2026-11-29 08:01:57.742+00	2026-11-29 08:01:57.742+00	\N	00008101-fb5e512425fc9449:asa\nasa\nasa
00008101-2594B6A92EBFB1C3	00008101-2594B6A92EBFB1C3	1	4	3	a47084e7-c86c-402c-851d-bf68e8a5b6fc	00008101-2594B6A92EBFB1C3	DMP0000005VF	iPad13,18	\N	\N	\N	18.3	22D60	\N	\N	\N	\N	Sundskolan	B8eoWr71wqbLuA85qjCLEw	com.apple.mgmt.External.98bd7f8b-0dce-4b8f-a293-779a4588cd5a	\N	\N	\N	\\x01c499999eb745d25379961342b2447831f278eeed51e83f0b21c8b511e1fb3de617af733ed8c059b14989eeb41e55d4cab92fcc1a484ac3b082f94e5b68402e91ce2ebc09690fd71b04c21a9b6eb51daede78cf9b679e4214f71b25d1e0af1192afbf0b31696afe2fbab106bfffd31c67c3fb60e959ea2079bf29dd650f190d810a563dee2e3dd2769dcc05afea3c58a965db88bbb833adb7f4d5392379e646c25584e5e68088b4055eca01669ef1656375df30caccebc2f28ff4ae4d25c4b8870beab2cf08c9dce0d691a7a0d3f84eedb47fcaa13f7ef863cc59576f13d0b7a24ac1d503efb3bdc894be7acf6da89ec779e84ccdf3157800081d9785d0a33d853cbc31c9405ccedc7f7e6628be33f045e1a47499971e2fd65860725f564ac618b24b2442db3a41950da827aa54ca07e64880843761bd400dc6ab90c9000107e5dd71331f64691f115aaa6fbf1465895527291c2d1f4c88da6756780b3a54c94801fc54034c672a888984532d4b3f5854c93d6eee7ebaaea2443a7379e830f2cd8c492a2f9ceddc77a24d93f260b4011602aeba4ad48e4e16b50bac8a9e1f3bbc0f8f3e844ba9378c6d8e84d9948d9212379b970336a9ee22409b22b3b853261cc75dd405f63526697830c9a737eea89b1bb70d9583e36606be647f8f2aef382d52dcde6ff79eec8e6330da0d060ac3599b1a121892ba746b8526027370b37015158ff427795e23049a47fa894df125687da5771139158db030e29d83942693564cd203a38c934e75868b6c82fa000534ce21fdc4d41da955a5c4d3dee0535fa5e658e6835448cb26e40ecf90efcfa829b3e81fbb788d6908b22284faca6a0d775c2fa2288093fe6bc41163d486dbafbf76ce32039d879e8070db366535df4d49bb629e625901e4efa43f0a4d171d5d6e3d16fb02162cc4bd4fd301801da8bd5f10cae550739f6ce50f8443c57dcb21568f5a633d4e0a2e099102fcbd0b55602d99de9c4a8a59d07b73de196c6c48be68d2b7542b10c6e7ccee03da5c6211708601261208bdcb4a53ec2a2a92d35840b45bd1ce28ea5365db2783029d71a4b52a89f783fdbafad71a97f10cc943f65fce6cba68be0c4c9615816a2e81b656355b4fcc283cdb37c3b1e2d8fea4ad400de343d108bc76b1b454cbaec164a8be754d1c2345356ea4080a36287be03d852fd412fa43b41292837ba72ef756d173f2467968289026f797ae6003c856853b788c934afd1138c450fa8c6aa772f080919850dbff0ec69207200298e8239a4ca599987765f25e080e274895a49b55ae01fc0872550746b0b0cf1ac641359cc034a143ab5abe868b91041fb5a34f3412c3ee7f7bbe6300a8f8dd55cc294e5a722eeec5ff62c0b78f92ac35daf50ea63baab7d18976442a8e816e5c2f97d1a128c3cb60634561305b90972d5750dc2ec62949b3a361b4c8c14c58dac7a3e9c80c4ec860263142603a31f7e13fdbb3df6f32d07038b255ed044025fe48a70016cca28119f599d9e95141e8cdcdb7744be8332c5486c8bbfe5e9b86d2cc17e8d1d52799b6a70b27b7c9bf0d8636e4c2801ee8fbf70128213e54a3adf818c2acd8e8d1ae447db97e8d529f0d105a8aa6185007803dd3cf8859849b6135990871146a01207ba4b0e9a8d9d771d72514074b052ad02e8d6d2c7fb13845f7c164da7fd51cacba5f2d984285ad477e9cd9d6a856b66aa28890b1dcd121fe2f8da6896178182e288962c1657cd5541aef3b743bb577f559fa2053768e74e4b5660fb477cd6662cb31b828a36c8ab7e0e4e47560018961d72669f8052a4f4cf70964822345e01ef5c0a2c5c6331f85b9bcd6062f7c53a34b6b641977e57d1f6aa7f1292534d3184d36794bdc7eefc32a8652c5775cf6b06f10b5de78efc0e121257dd4fa3ec924870ae72d3deb08f49fee44567fc7642e7b7a2b6647b977fbc2a942b68ca0bed2543a4f5ac9a1283ba6e3cb648f38162b58c24826a19fa0c6316f7422cd4723f9f145d2dc12b094c7cb4f90eadc6c585cd3180ce2249f583c9917ab3ec7dac9fbca832fbd3acde3b8461fafac9585ab68184904b991182c9b51b6af0f932704a9e09cf8f27284f2349bbad479d29dfacf387a6b9b45a99eb317e4e0cc7207a5b250943f8e214e2965496f5f4b98f3fdea01cdb21208c9dec7375825cc5d7601557f1e1e9cde20a0114cc3406610d16d8d3b22875204ca8b2d405297e979a2bd5fd0b83859e65dd8580414d4f1f579f99952d740cb06871c900540097cb4d70b016a4e601973506e5a63f35d50890c6d4aa1ca6de8b240b0fd2274b9743d434a62a0c64f177b03ae948400481e6cb1dc8a4a3452520f8b57691a34a92ff8d87e12f5c8db7576da7e47e15b262d55219e0032a691d91ddcc78ef052b9e8b6dd450062cb3affa9a403de3bd75cd5543a46bf8fb32f276f0a502fb687343096a655e97aade6065aaed52c6d0a777ad1e17390916131c75b94d18b7cfe6f91234fbd712ab182190f411604902a2d9a8572320e1199ba5b21d03f1656ff38545c351e28809b9c0f3065ccee3a108d85ad8fd2a4a9d26bb6a405b473c6b099fd250aef4499e24327d38835b628db616f3f1d2efd7dbe02a8c12e263134a8bfa6d37ce624c3b2a8ae4589cf41bb96ee14e68033f783db242b717dc21e20f82c173400539d553ca7ca0ddbfbd11b45c8aec453a51a13840a111cfc51c24a1b01f2030699dee29840259eab8711403ba0e2eeffbcdaa3b2707ba2db26c67dfcfd1caf8f32d12e78f28727f75398759781ab6bd01573ed14e977c4cf23b703ec51e9d3f0e6944ed901014a673d1d5f58a808385764c5ddd317417486b4c303818fe3792ca89fc5c7a892af8b787d399cd1ce5ab9f4153da48b96c825870a6ab30437f04435419bed100dfff3fcc76f30362c	\N	f	2026-11-29 08:01:58.505+00	2026-11-29 08:01:58.526+00	2026-11-29 08:01:58.526+00	2026-11-29 08:01:58.65+00	dmp0000005vf\n00008101-2594b6a92ebfb1c3
\.


--
-- Data for Name: facts; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.facts (name, value) FROM stdin;
master-key-check	\\x019bba5e826aec69db9db511ed19b41e5ae8862bd8b3eb9444b3d59ccede3c58775ebf07f2
idempotency-seed	\\x01a090d6bc9bb8e5a5dd8038684cab6e04c8f531626bda85f0e344be395999dc844dfd5b1f6d268179a0cfeb3481a217128f208a3b28a7e13571cead42
\.


--
-- Data for Name: history_202611; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.history_202611 (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, operation_id, error_summary, result, result_hash) FROM stdin;
00008101-67ABDD721024F0FF	1	01A22653-1EDF-7349-B80E-76969B9F756C	DeviceInformation	\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	1	2026-11-29 08:01:51.392+00	2026-11-29 08:01:51.702+00	2026-11-29 08:01:51.753+00	0	\N	\N	\\x3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e0a3c21444f435459504520706c697374205055424c494320222d2f2f4170706c652f2f44544420504c49535420312e302f2f454e222022687474703a2f2f7777772e6170706c652e636f6d2f445444732f50726f70657274794c6973742d312e302e647464223e0a3c706c6973742076657273696f6e3d22312e30223e0a093c646963743e0a09093c6b65793e436f6d6d616e64555549443c2f6b65793e0a09093c737472696e673e30314132323635332d314544462d373334392d423830452d3736393639423946373536433c2f737472696e673e0a09093c6b65793e5374617475733c2f6b65793e0a09093c737472696e673e41636b6e6f776c65646765643c2f737472696e673e0a09093c6b65793e554449443c2f6b65793e0a09093c737472696e673e30303030383130312d363741424444373231303234463046463c2f737472696e673e0a09093c6b65793e5175657279526573706f6e7365733c2f6b65793e0a09093c646963743e0a0909093c6b65793e4465766963654e616d653c2f6b65793e0a0909093c737472696e673e6950616420313c2f737472696e673e0a0909093c6b65793e4f5356657273696f6e3c2f6b65793e0a0909093c737472696e673e31382e333c2f737472696e673e0a0909093c6b65793e53657269616c4e756d6265723c2f6b65793e0a0909093c737472696e673e444d503030303030303156463c2f737472696e673e0a09093c2f646963743e0a093c2f646963743e0a3c2f706c6973743e	\N
00008101-26B25D457597A7B0	3	01A22653-2982-7642-9E6B-BB8142E10352	DeviceInformation	\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	1	2026-11-29 08:01:54.061+00	2026-11-29 08:01:54.085+00	2026-11-29 08:01:54.089+00	0	\N	\N	\\x3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e0a3c21444f435459504520706c697374205055424c494320222d2f2f4170706c652f2f44544420504c49535420312e302f2f454e222022687474703a2f2f7777772e6170706c652e636f6d2f445444732f50726f70657274794c6973742d312e302e647464223e0a3c706c6973742076657273696f6e3d22312e30223e0a093c646963743e0a09093c6b65793e436f6d6d616e64555549443c2f6b65793e0a09093c737472696e673e30314132323635332d323938322d373634322d394536422d4242383134324531303335323c2f737472696e673e0a09093c6b65793e5374617475733c2f6b65793e0a09093c737472696e673e41636b6e6f776c65646765643c2f737472696e673e0a09093c6b65793e554449443c2f6b65793e0a09093c737472696e673e30303030383130312d323642323544343537353937413742303c2f737472696e673e0a09093c6b65793e5175657279526573706f6e7365733c2f6b65793e0a09093c646963743e0a0909093c6b65793e4465766963654e616d653c2f6b65793e0a0909093c737472696e673e6950616420323c2f737472696e673e0a0909093c6b65793e4f5356657273696f6e3c2f6b65793e0a0909093c737472696e673e31382e333c2f737472696e673e0a0909093c6b65793e53657269616c4e756d6265723c2f6b65793e0a0909093c737472696e673e444d503030303030303256463c2f737472696e673e0a09093c2f646963743e0a093c2f646963743e0a3c2f706c6973743e	\N
00008101-9D9F290527A6BE62	6	01A22653-2F90-787B-9F48-0A45820F5886	DeviceInformation	\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	1	2026-11-29 08:01:55.625+00	2026-11-29 08:01:55.635+00	2026-11-29 08:01:55.651+00	0	\N	\N	\\x3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e0a3c21444f435459504520706c697374205055424c494320222d2f2f4170706c652f2f44544420504c49535420312e302f2f454e222022687474703a2f2f7777772e6170706c652e636f6d2f445444732f50726f70657274794c6973742d312e302e647464223e0a3c706c6973742076657273696f6e3d22312e30223e0a093c646963743e0a09093c6b65793e436f6d6d616e64555549443c2f6b65793e0a09093c737472696e673e30314132323635332d324639302d373837422d394634382d3041343538323046353838363c2f737472696e673e0a09093c6b65793e5374617475733c2f6b65793e0a09093c737472696e673e41636b6e6f776c65646765643c2f737472696e673e0a09093c6b65793e554449443c2f6b65793e0a09093c737472696e673e30303030383130312d394439463239303532374136424536323c2f737472696e673e0a09093c6b65793e5175657279526573706f6e7365733c2f6b65793e0a09093c646963743e0a0909093c6b65793e4465766963654e616d653c2f6b65793e0a0909093c737472696e673e6950616420333c2f737472696e673e0a0909093c6b65793e4f5356657273696f6e3c2f6b65793e0a0909093c737472696e673e31382e333c2f737472696e673e0a0909093c6b65793e53657269616c4e756d6265723c2f6b65793e0a0909093c737472696e673e444d503030303030303356463c2f737472696e673e0a09093c2f646963743e0a093c2f646963743e0a3c2f706c6973743e	\N
00008101-FB5E512425FC9449	8	01A22653-37F6-74F4-9292-EAABA3F6C0EF	DeviceInformation	\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	1	2026-11-29 08:01:57.752+00	2026-11-29 08:01:57.758+00	2026-11-29 08:01:57.761+00	0	\N	\N	\\x3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e0a3c21444f435459504520706c697374205055424c494320222d2f2f4170706c652f2f44544420504c49535420312e302f2f454e222022687474703a2f2f7777772e6170706c652e636f6d2f445444732f50726f70657274794c6973742d312e302e647464223e0a3c706c6973742076657273696f6e3d22312e30223e0a093c646963743e0a09093c6b65793e436f6d6d616e64555549443c2f6b65793e0a09093c737472696e673e30314132323635332d333746362d373446342d393239322d4541414241334636433045463c2f737472696e673e0a09093c6b65793e5374617475733c2f6b65793e0a09093c737472696e673e41636b6e6f776c65646765643c2f737472696e673e0a09093c6b65793e554449443c2f6b65793e0a09093c737472696e673e30303030383130312d464235453531323432354643393434393c2f737472696e673e0a09093c6b65793e5175657279526573706f6e7365733c2f6b65793e0a09093c646963743e0a0909093c6b65793e4465766963654e616d653c2f6b65793e0a0909093c737472696e673e6950616420343c2f737472696e673e0a0909093c6b65793e4f5356657273696f6e3c2f6b65793e0a0909093c737472696e673e31382e333c2f737472696e673e0a0909093c6b65793e53657269616c4e756d6265723c2f6b65793e0a0909093c737472696e673e444d503030303030303456463c2f737472696e673e0a09093c2f646963743e0a093c2f646963743e0a3c2f706c6973743e	\N
00008101-2594B6A92EBFB1C3	10	01A22653-3B07-784B-AF3D-953D815A97DD	DeviceInformation	\\xf2fc0546f4a81466620e4618b7db916345d6d48c19826a4ad44938297a1555e3	1	2026-11-29 08:01:58.538+00	2026-11-29 08:01:58.564+00	2026-11-29 08:01:58.569+00	0	\N	\N	\\x3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e0a3c21444f435459504520706c697374205055424c494320222d2f2f4170706c652f2f44544420504c49535420312e302f2f454e222022687474703a2f2f7777772e6170706c652e636f6d2f445444732f50726f70657274794c6973742d312e302e647464223e0a3c706c6973742076657273696f6e3d22312e30223e0a093c646963743e0a09093c6b65793e436f6d6d616e64555549443c2f6b65793e0a09093c737472696e673e30314132323635332d334230372d373834422d414633442d3935334438313541393744443c2f737472696e673e0a09093c6b65793e5374617475733c2f6b65793e0a09093c737472696e673e41636b6e6f776c65646765643c2f737472696e673e0a09093c6b65793e554449443c2f6b65793e0a09093c737472696e673e30303030383130312d323539344236413932454246423143333c2f737472696e673e0a09093c6b65793e5175657279526573706f6e7365733c2f6b65793e0a09093c646963743e0a0909093c6b65793e4465766963654e616d653c2f6b65793e0a0909093c737472696e673e6950616420353c2f737472696e673e0a0909093c6b65793e4f5356657273696f6e3c2f6b65793e0a0909093c737472696e673e31382e333c2f737472696e673e0a0909093c6b65793e53657269616c4e756d6265723c2f6b65793e0a0909093c737472696e673e444d503030303030303556463c2f737472696e673e0a09093c2f646963743e0a093c2f646963743e0a3c2f706c6973743e	\N
\.


--
-- Data for Name: history_202612; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.history_202612 (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, operation_id, error_summary, result, result_hash) FROM stdin;
\.


--
-- Data for Name: history_202701; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.history_202701 (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, operation_id, error_summary, result, result_hash) FROM stdin;
\.


--
-- Data for Name: history_202702; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.history_202702 (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, operation_id, error_summary, result, result_hash) FROM stdin;
\.


--
-- Data for Name: history_default; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.history_default (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, operation_id, error_summary, result, result_hash) FROM stdin;
\.


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.idempotency_keys (scope, key, claim_id, request_hash, claimed_at, status, content_type, body, location) FROM stdin;
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/invitations/	1ff71bb1-a974-4a93-9028-2e21e1e8de26	320d836b-8dcf-492a-b3a2-33183e564185	\\xf7198dc5b185f0015d5a15ecb4050d56c0eae781ca3235f169caa3313ec74c1c	2026-11-29 08:01:48.655+00	201	application/json; charset=utf-8	\\x7b226964223a224238656f577237317771624c75413835716a434c4577222c2275726c223a2268747470733a2f2f6c6f63616c686f73743a31383730332f656e726f6c6c2f4238656f577237317771624c75413835716a434c4577222c226e616d65223a224265666f7265207468652075706772616465222c227363686f6f6c223a2253756e64736b6f6c616e222c227374617465223a226f70656e222c226d617855736573223a6e756c6c2c2275736573223a302c22637265617465644174223a22323032362d31312d32395430383a30313a34382e373135313631392b30303a3030222c22657870697265734174223a22323032362d31322d32395430383a30313a34382e373135313631392b30303a3030222c227265766f6b65644174223a6e756c6c2c22637265617465644279223a2266697273742061646d696e6973747261746f72227d	/api/v1/invitations/B8eoWr71wqbLuA85qjCLEw
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	f36cb562-5c27-4f69-936d-933bc0e562a7	2dd988ce-2056-465b-9183-8124f60e3e86	\\x487a30d1ea7d9b2aaeb9300cb532a1352e60ac23cbe8c92413452c002b1d5168	2026-11-29 08:01:51.327+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d314544462d373334392d423830452d373639363942394637353643222c227265717565737454797065223a22446576696365496e666f726d6174696f6e222c2261636365707465644174223a22323032362d31312d32395430383a30313a35312e3339322b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-67ABDD721024F0FF/commands/01A22653-1EDF-7349-B80E-76969B9F756C
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	285aeb52-a5db-4b84-afc1-d1391a70b4cd	8a615261-02e9-4949-a92a-7cbb8283a3b1	\\xb45864f01ce3c6ae5aa0475f75f43bb835290ff8f722ca5e768d87982ddea13c	2026-11-29 08:01:52.334+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d323243452d373231462d414133362d354137463730413637444546222c227265717565737454797065223a2253657474696e6773222c2261636365707465644174223a22323032362d31312d32395430383a30313a35322e3333392b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-67ABDD721024F0FF/commands/01A22653-22CE-721F-AA36-5A7F70A67DEF
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	28b89286-74ff-4d26-a7c8-fa33f3419af7	03b77724-6785-4a48-bc71-f2b4e6f3d218	\\x4c213088c27c991c68970f385cce094ca996fbc8af85f93f5c48950651d3a61c	2026-11-29 08:01:54.05+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d323938322d373634322d394536422d424238313432453130333532222c227265717565737454797065223a22446576696365496e666f726d6174696f6e222c2261636365707465644174223a22323032362d31312d32395430383a30313a35342e3036312b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-26B25D457597A7B0/commands/01A22653-2982-7642-9E6B-BB8142E10352
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	41f00980-af59-4f21-949d-59a79ad1d22d	cdb22aee-bf09-421d-ae1c-d83437b5c0ea	\\x55ad3637feb54b75886111c9d723334a50070ed429246cc37378b5136d2ce349	2026-11-29 08:01:54.6+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d324241382d374632422d394143422d353231414135394335313338222c227265717565737454797065223a2253657474696e6773222c2261636365707465644174223a22323032362d31312d32395430383a30313a35342e3631392b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-26B25D457597A7B0/commands/01A22653-2BA8-7F2B-9ACB-521AA59C5138
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	6886c435-55b0-4217-8069-b994dd4bc0e6	77353d1d-dfc5-495a-934b-a6bde8ebdf67	\\x7ae27667675e2370beed602a50d930c543e888f2441c75763bed5db0dcdfa4ce	2026-11-29 08:01:54.645+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d324244352d373944372d394334462d384130333539453145363645222c227265717565737454797065223a22436c65617250617373636f6465222c2261636365707465644174223a22323032362d31312d32395430383a30313a35342e3635352b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-26B25D457597A7B0/commands/01A22653-2BD5-79D7-9C4F-8A0359E1E66E
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	cdfc45ac-0e13-408b-bd28-56b691401f62	2429e0a8-f85c-4db5-8e49-335ead6ac8a5	\\xd60bcaf485ae60abfe83cba0353a14ffbdf09b74764b4fe849411831cb7eeba3	2026-11-29 08:01:55.6+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d324639302d373837422d394634382d304134353832304635383836222c227265717565737454797065223a22446576696365496e666f726d6174696f6e222c2261636365707465644174223a22323032362d31312d32395430383a30313a35352e3632352b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-9D9F290527A6BE62/commands/01A22653-2F90-787B-9F48-0A45820F5886
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	b8c76cf0-ee50-4e4d-a45b-da55a78aee1c	a07a7e4f-ebb3-423d-81a8-769a52e3220b	\\x069a66bff6c2c491ca88e3f7f1c8971e07d5f9a796d4aa3605dfd8e5bc9dd2c4	2026-11-29 08:01:56.179+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d333144332d374246462d394239372d363937394136383642344238222c227265717565737454797065223a2253657474696e6773222c2261636365707465644174223a22323032362d31312d32395430383a30313a35362e3139392b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-9D9F290527A6BE62/commands/01A22653-31D3-7BFF-9B97-6979A686B4B8
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	68c12b9e-423e-4539-a507-94a274d44018	b0635a0a-aae4-4cf7-9044-4b26b5b9b4c7	\\x449ed840a4bcbaf6d3c49879f633eaca0ce9568906f4d313a1291d5294bc03d7	2026-11-29 08:01:57.75+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d333746362d373446342d393239322d454141424133463643304546222c227265717565737454797065223a22446576696365496e666f726d6174696f6e222c2261636365707465644174223a22323032362d31312d32395430383a30313a35372e3735322b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-FB5E512425FC9449/commands/01A22653-37F6-74F4-9292-EAABA3F6C0EF
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	3fc9cc62-274a-4129-9814-84fc5557886a	7cad38c0-b517-4731-8c58-ebb0d2ac2adc	\\xc864ba75f1f8c193c5d902425450bb57b8eb1d8f3c08d100b5f00bb1f7b9b8ee	2026-11-29 08:01:58.276+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d334130342d374241392d384542392d343531314145463335364536222c227265717565737454797065223a2253657474696e6773222c2261636365707465644174223a22323032362d31312d32395430383a30313a35382e3238362b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-FB5E512425FC9449/commands/01A22653-3A04-7BA9-8EB9-4511AEF356E6
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/devices/{id}/commands/	5a454284-167c-4c76-840f-92e059ad7383	f40a7d43-17ac-4ae8-8009-2d279739c6ed	\\xb49e55649f4d58ab1412242b98c018371a9d8328425be8bf77ceadd07d763cdf	2026-11-29 08:01:58.535+00	202	application/json; charset=utf-8	\\x7b22636f6d6d616e6455756964223a2230314132323635332d334230372d373834422d414633442d393533443831354139374444222c227265717565737454797065223a22446576696365496e666f726d6174696f6e222c2261636365707465644174223a22323032362d31312d32395430383a30313a35382e3533382b30303a3030222c22657870697265734174223a6e756c6c7d	/api/v1/devices/00008101-2594B6A92EBFB1C3/commands/01A22653-3B07-784B-AF3D-953D815A97DD
4ffb1ffd-321a-49d9-beaf-dc38061ebe91 POST /api/v1/operations/	562e72ad-e78a-49f5-933a-f301abdafe06	69d2d845-20f3-4ba2-b73d-75d2958d296b	\\x953bc7696ee982daf9ab6aafd801811ae1ece1874b6df52917fa37926ac38809	2026-11-29 08:01:58.692+00	202	application/json; charset=utf-8	\\x7b226964223a2230316132323635332d336261342d373465622d396336352d613263363663613639323265222c22636f6d6d616e6455756964223a2230314132323635332d334241342d374546422d424332412d353145353841413835383337222c227265717565737454797065223a2252657374617274446576696365222c22746f74616c223a342c2261636365707465644174223a22323032362d31312d32395430383a30313a35382e3731352b30303a3030222c22756e6b6e6f776e496473223a5b5d7d	/api/v1/operations/01a22653-3ba4-74eb-9c65-a2c66ca6922e
\.


--
-- Data for Name: invitations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.invitations (id, number, name, school, max_uses, uses, created_at, expires_at, revoked_at, created_by) FROM stdin;
B8eoWr71wqbLuA85qjCLEw	1	Before the upgrade	Sundskolan	\N	5	2026-11-29 08:01:48.715+00	2026-12-29 08:01:48.715+00	\N	first administrator
\.


--
-- Data for Name: issued_certificates; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.issued_certificates (sha256, der, invitation_id, renews, issued_at, not_after) FROM stdin;
\\xb99f02673a1d16ab1e528d5a8f57cabc12cebeddb7212647e8d83bc7978eaa6d	\\x308202983082023ea003020102021071f9848fc690b0018bb92e49c0720680300a06082a8648ce3d040302302f3111300f060355040a0c08466c6565744d646d311a301806035504030c11466c6565744d646d204d444d20726f6f74301e170d3236313132393037303135305a170d3331313132383038303135305a302b3111300f060355040a0c08466c6565744d646d3116301406035504030c0d6950616420653237633238333230820122300d06092a864886f70d01010105000382010f003082010a0282010100bef9590127ffda95e7911cf4ee836821bc30785dac0321953735d24e0778cb3c5d38a3ec5887cb8f12406ec39a63b38bf311f5aa3877dce9acb4f50d2ab16e9f95bccfad516224add85d803e7d46b7b430158df55d807e8a5a9a2cf79d602c4fd034225cffb47c9e056e48dd1a3eba2d175030ad11d37c5931b10441efeec36cd9afb9729b3b278ef67951af796538b3e87caea47a9b6fc9f20add69539e02b5facade59543cf77953371bb17f0d5f3c8b4ded51f222f79fd4796c74fb9dd4e38fef109774a7e5db0f74566ac5fee091f54c6689ac6c453003c04701a44ed9902eb71a5c17dfea2f8e01e175eb121c3f36d360215caa55866dca21616c9e43990203010001a3753073300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070302301d0603551d0e041604146db0191eef487e173addca20200c51d294f98628301f0603551d2304183016801479fec83a6b7a2f2fc0c33a319fe8d4697e3eab8b300a06082a8648ce3d040302034800304502202f9278de30c2a676eda1fb211caeb85b5db203fa0db1b90f78e98012e454b932022100cdc9873dd71d3959120c29d0cc3fd7be2c9bc29521b8681b56d0b30b00d0d255	B8eoWr71wqbLuA85qjCLEw	\N	2026-11-29 08:01:50.253+00	2031-11-28 08:01:50+00
\\xd26e5116737e7f7d5e747ca5c7c44dda8336ed0669ac1df520af2f0b227ad420	\\x308202983082023ea003020102021046ccf070c33cbc9a536451eab0e60fc7300a06082a8648ce3d040302302f3111300f060355040a0c08466c6565744d646d311a301806035504030c11466c6565744d646d204d444d20726f6f74301e170d3236313132393037303135335a170d3331313132383038303135335a302b3111300f060355040a0c08466c6565744d646d3116301406035504030c0d6950616420353365613034663230820122300d06092a864886f70d01010105000382010f003082010a0282010100c09dcd966f5c378c745f7b4f901adea90cb6ec1b6b60617e340ab936cac3154c8f4f875908b9bab3c93f0b58e16f826ee1db9fbdb649738c8ed3dc95a33d0191d020a3bf393570f1848d197859b1b4a3f663163cd156e30fbe9c98e90937bbf4e126671f20011b63210179f31b9605f5562b9b6c9610cc2e5dc7c9ff3072fb6dad8a2019c7fe2bfb4fef45868a32d2f96149a025ca59178a5b7417cf9938dbfb0d57772fe5d6b016453759b1f00f7eb82704e9bcc65b5dee8b5a0593b7fdecc6874bd73798b5809d4d372a78f773c9c4f36a5e27d7bc01ba5a4caab85f0c6f6eefe51b7fe53d5c431deeb94753cb6ae36d2887652e8b1d972baf9396a6b3df2b0203010001a3753073300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070302301d0603551d0e04160414c86d82e9d73fbb2fc8771bc719d9ce394f0654dd301f0603551d2304183016801479fec83a6b7a2f2fc0c33a319fe8d4697e3eab8b300a06082a8648ce3d040302034800304502203ca5a21a116b0a7f9e591d9d303cdcc9416f810724a7d851d66ae5c7e1ecd6b6022100c7b8b855717a2af3c397fe2c4975c34322528f85776d12c6a4541725d665b2e5	B8eoWr71wqbLuA85qjCLEw	\N	2026-11-29 08:01:53.988+00	2031-11-28 08:01:53+00
\\xb2a47cbd7b077828b4c3b740bfb168050d320d8f698f125ec62a93adcbedf46a	\\x308202983082023ea0030201020210441ed99c9b02175a23c4160425cf03f6300a06082a8648ce3d040302302f3111300f060355040a0c08466c6565744d646d311a301806035504030c11466c6565744d646d204d444d20726f6f74301e170d3236313132393037303135355a170d3331313132383038303135355a302b3111300f060355040a0c08466c6565744d646d3116301406035504030c0d6950616420616638326433303930820122300d06092a864886f70d01010105000382010f003082010a0282010100a7fe369210455d8530754b93429ba678bafa4ca7912119dc8b753a2ff4526d4708eedc44e9b4e629acbb5819620d343246970995ea75f64cdb0567dd1834b31001bf1919666c2d4f9ea8df642813be2bc1c0bda0b1fe95c7f14c67035516bcb5a3378746b4b09af84813670715eb2b4ac2f024aa397d53f5b15649ea29eaec4a2f2058b5eac174c8006bbd7abd5e9c967c1784516806f21fbb7f161a4c8c6f2bbc6ed8f6434ab4ea2cba29a2b3930228c588f5a070c08c03b481d20c5eb744aaf634ba926afad30f9d2b8e38c2054cb64e258d4a28cf520a4c484cfc631cc95d06b1ad7a2a912c7424905c86733eb4db542b8e5a509ebe6587d0eedbf9510dfd0203010001a3753073300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070302301d0603551d0e04160414662464ede439bc2ca373820c06639482d7790c35301f0603551d2304183016801479fec83a6b7a2f2fc0c33a319fe8d4697e3eab8b300a06082a8648ce3d0403020348003045022026a57458b80cfb035b0ccf0830f0524f9b101d4068ec97055436fc38a883f2a802210081371de2cb19fae94559addea029a456865d1f69889b3d65439f79b1ee6060d9	B8eoWr71wqbLuA85qjCLEw	\N	2026-11-29 08:01:55.515+00	2031-11-28 08:01:55+00
\\xbe596c80f7220beee325bab81b4c7ea36b1ef7c7ed97e9ebad0390b4d9863a92	\\x308202993082023ea0030201020210566efaab35dd32dc313b60d0af9cb8a1300a06082a8648ce3d040302302f3111300f060355040a0c08466c6565744d646d311a301806035504030c11466c6565744d646d204d444d20726f6f74301e170d3236313132393037303135375a170d3331313132383038303135375a302b3111300f060355040a0c08466c6565744d646d3116301406035504030c0d6950616420646539313566653030820122300d06092a864886f70d01010105000382010f003082010a0282010100a14b97c59f9f2cf59a995fc66a5c3aec1d6b8fa0a4276f6d59dd7fb00faaab77a0e6511f6a0498b7c3946762b1049b62fbdc8cd489979132f334f9f182ca9a75eb7488fd774ea54a851829537e9812771bec83ca978dde1c60088bd8092ca649efd1b31157caa3d9f0b9447c714c3f4199cbb258a76843210e38d561624484d81efc01dc1a70cb34b0a666e07317a9db40d137c4a9ca37273be285a6afd02d0047031366a1c8d09cf447b4c33b8f6b933a3fe847c276bf2868dc3d693e9f4759ce88edefdc5313d7f50d8ec843a23637ff66dc62e17156772b5aeccf754d8e64d09b0861f1bdf3462cffd0c8699a52e2183930e515d5852f437b5569c413338b0203010001a3753073300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070302301d0603551d0e04160414a87a51ef9309e7ec7359798641be20ddef8f7bd0301f0603551d2304183016801479fec83a6b7a2f2fc0c33a319fe8d4697e3eab8b300a06082a8648ce3d0403020349003046022100de91a410c264d858ae759d3f31bc28c9784bc588ba78028d851af54b7141a7120221008423a9d0a283b5d9f6a0d2c52e887d3c2840dfa8770b7a29ae5a33b2e78523f4	B8eoWr71wqbLuA85qjCLEw	\N	2026-11-29 08:01:57.619+00	2031-11-28 08:01:57+00
\\xa8c51c9623110fd99a0438af75324874d7ee2b274bb9e621567e7571f6773fe2	\\x308202993082023ea00302010202104085c1b4752b3e146f1c467069bcfe3e300a06082a8648ce3d040302302f3111300f060355040a0c08466c6565744d646d311a301806035504030c11466c6565744d646d204d444d20726f6f74301e170d3236313132393037303135385a170d3331313132383038303135385a302b3111300f060355040a0c08466c6565744d646d3116301406035504030c0d6950616420343964356133636430820122300d06092a864886f70d01010105000382010f003082010a0282010100bef9590127ffda95e7911cf4ee836821bc30785dac0321953735d24e0778cb3c5d38a3ec5887cb8f12406ec39a63b38bf311f5aa3877dce9acb4f50d2ab16e9f95bccfad516224add85d803e7d46b7b430158df55d807e8a5a9a2cf79d602c4fd034225cffb47c9e056e48dd1a3eba2d175030ad11d37c5931b10441efeec36cd9afb9729b3b278ef67951af796538b3e87caea47a9b6fc9f20add69539e02b5facade59543cf77953371bb17f0d5f3c8b4ded51f222f79fd4796c74fb9dd4e38fef109774a7e5db0f74566ac5fee091f54c6689ac6c453003c04701a44ed9902eb71a5c17dfea2f8e01e175eb121c3f36d360215caa55866dca21616c9e43990203010001a3753073300c0603551d130101ff04023000300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070302301d0603551d0e041604146db0191eef487e173addca20200c51d294f98628301f0603551d2304183016801479fec83a6b7a2f2fc0c33a319fe8d4697e3eab8b300a06082a8648ce3d04030203490030460221008d010eafc5df67fcba4561b16eb62a98f2099f232008cbb6958214e58c86890a022100d6f64a7e0e3424c931e588676cf595aeb67f232b5bf85c3fbab209d4ccaf5a08	B8eoWr71wqbLuA85qjCLEw	\N	2026-11-29 08:01:58.44+00	2031-11-28 08:01:58+00
\.


--
-- Data for Name: key_ring; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.key_ring (name, xml) FROM stdin;
key-a8869b03-610c-4c9b-95bd-70956e8ff323	<key id="a8869b03-610c-4c9b-95bd-70956e8ff323" version="1"><creationDate>2026-11-29T08:01:43.7497268Z</creationDate><activationDate>2026-11-29T08:01:43.7497268Z</activationDate><expirationDate>2027-02-27T08:01:43.7497268Z</expirationDate><descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection, Version=10.0.0.0, Culture=neutral, PublicKeyToken=adb9793829ddae60"><descriptor><encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" /><encryptedSecret decryptorType="FleetMdm.Api.Auth.SealedXmlDecryptor, FleetMdm.Api, Version=0.1.0.0, Culture=neutral, PublicKeyToken=null" xmlns="http://schemas.asp.net/2015/03/dataProtection"><sealed xmlns="">Af+5Sau4JkB2TmrgnfJDT8FdILfOj6zes/CSe9pLuGkBqieVGdkKo7cEbgDRNaxI3BeNsJh4DG8sl7uWC+HiJ3X/wCXh4poIGURBtKs1Rjj8Gi+3prtUvvY5uOzb6kTUTTXd4seDvLNekVIgckXw5bYRalTUrDAE0npwoXnELehIkYDmaiF79aDMBoNpdxAz/IGjSWctlLN3UwreKTqQlQ6GTa/tYZPtc1mmzk8+8f1u05sY6vXF3GbFoZ0EMYrfl5HJSK+9plECGIsYQhRVOUyH65+5ZyGfLS5Ni8Nx1BvNe+sKR6fYOi1flL5IIwHsbjM24NwM/uTbJmIGkzCdzxdR99a7IBnajfwYXw7nmVBreynWiDu5dFQpvVmtnjc57LZby7eylEEKVXY=</sealed></encryptedSecret></descriptor></descriptor></key>
\.


--
-- Data for Name: operations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.operations (id, number, command_uuid, request_type, body_hash, accepted_at, expires_at, requested_by, total, announced_at, cancelled_at, pushed_after, pushed) FROM stdin;
01a22653-3ba4-74eb-9c65-a2c66ca6922e	1	01A22653-3BA4-7EFB-BC2A-51E58AA85837	RestartDevice	\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	2026-11-29 08:01:58.715+00	\N	first administrator	4	2026-11-29 08:01:58.788+00	\N	\N	4
\.


--
-- Data for Name: orleansmembershiptable; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orleansmembershiptable (deploymentid, address, port, generation, siloname, hostname, status, proxyport, suspecttimes, starttime, iamalivetime) FROM stdin;
\.


--
-- Data for Name: orleansmembershipversiontable; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orleansmembershipversiontable (deploymentid, version, "timestamp") FROM stdin;
\.


--
-- Data for Name: orleansquery; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orleansquery (querykey, querytext) FROM stdin;
ReadFromStorageKey	\nSELECT PayloadBinary, Version\nFROM OrleansStorage\nWHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString\n  AND GrainIdExtensionString = coalesce(@GrainIdExtensionString, '')\n  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1\n
WriteToStorageKey	\nINSERT INTO OrleansStorage AS s\n  (ServiceId, GrainTypeString, GrainIdN0, GrainIdN1, GrainIdExtensionString, Version, PayloadBinary, ModifiedOn)\nSELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''), 1, @PayloadBinary, now()\nWHERE @GrainStateVersion IS NULL OR EXISTS (\n  SELECT 1 FROM OrleansStorage e\n  WHERE e.ServiceId = @ServiceId AND e.GrainTypeString = @GrainTypeString\n    AND e.GrainIdExtensionString = coalesce(@GrainIdExtensionString, '')\n    AND e.GrainIdN0 = @GrainIdN0 AND e.GrainIdN1 = @GrainIdN1)\nON CONFLICT (ServiceId, GrainTypeString, GrainIdExtensionString, GrainIdN0, GrainIdN1) DO UPDATE\nSET PayloadBinary = excluded.PayloadBinary, ModifiedOn = excluded.ModifiedOn, Version = s.Version + 1\nWHERE s.Version = @GrainStateVersion\nRETURNING s.Version AS NewGrainStateVersion\n
ClearStorageKey	\nUPDATE OrleansStorage\nSET PayloadBinary = NULL, ModifiedOn = now(), Version = Version + 1\nWHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString\n  AND GrainIdExtensionString = coalesce(@GrainIdExtensionString, '')\n  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1 AND Version = @GrainStateVersion\nRETURNING Version AS NewGrainStateVersion\n
DeleteStorageKey	\nDELETE FROM OrleansStorage\nWHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString\n  AND GrainIdExtensionString = coalesce(@GrainIdExtensionString, '')\n  AND GrainIdN0 = @GrainIdN0 AND GrainIdN1 = @GrainIdN1 AND Version = @GrainStateVersion\nRETURNING Version + 1 AS NewGrainStateVersion\n
InsertMembershipVersionKey	\nWITH added AS (\n  INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES (@DeploymentId)\n  ON CONFLICT (DeploymentId) DO NOTHING RETURNING 1)\nSELECT count(*)::int FROM added\n
InsertMembershipKey	\nWITH raised AS (\n  UPDATE OrleansMembershipVersionTable SET Version = Version + 1, Timestamp = now()\n  WHERE DeploymentId = @DeploymentId AND Version = @Version\n    AND NOT EXISTS (\n      SELECT 1 FROM OrleansMembershipTable m\n      WHERE m.DeploymentId = @DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation)\n  RETURNING DeploymentId),\nadded AS (\n  INSERT INTO OrleansMembershipTable\n    (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)\n  SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime\n  FROM raised\n  RETURNING 1)\nSELECT count(*)::int FROM added\n
UpdateMembershipKey	\nWITH raised AS (\n  UPDATE OrleansMembershipVersionTable SET Version = Version + 1, Timestamp = now()\n  WHERE DeploymentId = @DeploymentId AND Version = @Version\n    AND EXISTS (\n      SELECT 1 FROM OrleansMembershipTable m\n      WHERE m.DeploymentId = @DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation)\n  RETURNING DeploymentId),\nchanged AS (\n  UPDATE OrleansMembershipTable m\n  SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime\n  FROM raised\n  WHERE m.DeploymentId = raised.DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation\n  RETURNING 1)\nSELECT count(*)::int FROM changed\n
UpdateIAmAlivetimeKey	\nUPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime\nWHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation\n
MembershipReadRowKey	\nSELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes,\n  m.StartTime, m.IAmAliveTime, v.Version\nFROM OrleansMembershipVersionTable v\nLEFT JOIN OrleansMembershipTable m\n  ON m.DeploymentId = v.DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation\nWHERE v.DeploymentId = @DeploymentId\n
MembershipReadAllKey	\nSELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes,\n  m.StartTime, m.IAmAliveTime, v.Version\nFROM OrleansMembershipVersionTable v\nLEFT JOIN OrleansMembershipTable m ON m.DeploymentId = v.DeploymentId\nWHERE v.DeploymentId = @DeploymentId\n
GatewaysQueryKey	\nSELECT Address, ProxyPort, Generation\nFROM OrleansMembershipTable\nWHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0\n
DeleteMembershipTableEntriesKey	\nDELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId;\nDELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId\n
CleanupDefunctSiloEntriesKey	\nDELETE FROM OrleansMembershipTable\nWHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3\n
\.


--
-- Data for Name: orleansstorage; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orleansstorage (serviceid, graintypestring, grainidn0, grainidn1, grainidextensionstring, version, payloadbinary, modifiedon) FROM stdin;
fleetmdm	access	0	0		1	\\x7b22246964223a2231222c222474797065223a22466c6565744d646d2e477261696e732e4163636573732e41636365737353746174652c20466c6565744d646d2e477261696e73222c22546f6b656e73223a7b222474797065223a2253797374656d2e436f6c6c656374696f6e732e47656e657269632e4c69737460315b5b466c6565744d646d2e477261696e732e4163636573732e53746f726564546f6b656e2c20466c6565744d646d2e477261696e735d5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c756573223a5b7b22246964223a2232222c222474797065223a22466c6565744d646d2e477261696e732e4163636573732e53746f726564546f6b656e2c20466c6565744d646d2e477261696e73222c22536563726574536861323536223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a226f4d4477644b6a7937546e332f4842592f4c45794e415061743047716866785a3849497a414b57374968593d227d2c224465736372697074696f6e223a7b22246964223a2233222c222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e546f6b656e4465736372697074696f6e2c20466c6565744d646d2e477261696e732e496e7465726661636573222c224964223a2234666662316666642d333231612d343964392d626561662d646333383036316562653931222c224e616d65223a2266697273742061646d696e6973747261746f72222c22526f6c65223a312c22437265617465644174223a22323032362d31312d32395430383a30313a34352e373932343837382b30303a3030222c22437265617465644279223a22736572766572227d7d5d7d7d	2026-11-29 08:01:46.135+00
fleetmdm	certificate-authority	0	0	mdm	1	\\x7b22246964223a2231222c222474797065223a22466c6565744d646d2e477261696e732e4964656e746974792e4365727469666963617465417574686f7269747953746174652c20466c6565744d646d2e477261696e73222c22417574686f72697479223a7b22246964223a2232222c222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e5365616c6564417574686f726974792c20466c6565744d646d2e477261696e732e496e7465726661636573222c2256657273696f6e223a312c224f7267616e697a6174696f6e223a22466c6565744d646d222c224361223a7b22246964223a2233222c222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e5365616c656443657274696669636174652c20466c6565744d646d2e477261696e732e496e7465726661636573222c224365727469666963617465223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a224d4949426f44434341556567417749424167495156746b6535527a635559696c5a48745a54687630426a414b42676771686b6a4f50515144416a41764d524577447759445651514b444168476247566c6445316b625445614d4267474131554541777752526d786c5a58524e5a4730675455524e49484a76623351774868634e4d6a59784d5449354d4463774d54517a5768634e4e4459784d5449354d4467774d54517a576a41764d524577447759445651514b444168476247566c6445316b625445614d4267474131554541777752526d786c5a58524e5a4730675455524e49484a76623351775754415442676371686b6a4f5051494242676771686b6a4f50514d4242774e434141534b6239514c4665313532414b75754e64586d6d336747364c374371596875446e65726a6d42546d644b6c42674d6d6474786153773545454679347666394c4e68433537634c545657494247776470637a49697a50616f305577517a415342674e5648524d4241663845434441474151482f416745414d41344741315564447745422f77514541774942426a416442674e564851344546675155656637494f6d74364c792f41777a6f786e2b6a556158342b71347377436759494b6f5a497a6a30454177494452774177524149674e565364386d356d763369344b444d7a70314964557079316a59383837645477622b36365256373553694143494342354241714547556241626e5261762f67314f5065776453785354414a56754b732b2b306c4d6a506538227d2c225365616c65644b6579223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a2241616f544d6a305578477a46693272325538586a794e4e65747346493471796231464e356962362f7833775a6f6e6359574c337475566c6653572b59306365336b66362b4847547a4132476f2f574d48556c354861776b336c5a416e4d3635623941454873426a694d6b35595244665a456f374e794d66515346436a564c3946724b563870704339504f54716d6b3132703551557974676c34576735326d65366c435171487a68547449397937582b6476484a756450624e4945554b6e326177642f42354978434547657167354f4944706f37327771577876584e6e5844303d227d7d2c22526567697374726174696f6e417574686f726974696573223a7b222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e5365616c656443657274696669636174655b5d2c20466c6565744d646d2e477261696e732e496e7465726661636573222c222476616c756573223a5b7b22246964223a2234222c222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e5365616c656443657274696669636174652c20466c6565744d646d2e477261696e732e496e7465726661636573222c224365727469666963617465223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a224d4949436a7a4343416a57674177494241674951643869677852697a3350594f584238586179476c5844414b42676771686b6a4f50515144416a41764d524577447759445651514b444168476247566c6445316b625445614d4267474131554541777752526d786c5a58524e5a4730675455524e49484a76623351774868634e4d6a59784d5449354d4463774d54517a5768634e4d6a67784d5449344d4467774d54517a576a41334d524577447759445651514b444168476247566c6445316b625445694d434147413155454177775a526d786c5a58524e5a4730675455524e49484a6c5a326c7a64484a6864476c76626a4343415349774451594a4b6f5a496876634e4151454242514144676745504144434341516f4367674542414c30304951374d6b622b4e6f2b62374c6a7051657252354f546735386354716d66747a2b6245614348654e57714e32712b43413754344367623674556b5858422f34597a4f414164416d69324d3371794b4b41664c3134794945476f524e586b32704135546c44665a552b38456c65716d4c5266746841673171466a783544544b4b5464312b5376694743597270684754396c4e53656e4e36464c594467754331652f6757624330306a737748354f5031474c3963453557676f7167434d5178546447377759314f6a775a6e6e656c4f6c514c4670326274764e736e66707867322b374d6c76446c5635736f734e392b4577724a724c536a524f426b5554306b4f6958527a4445536f506563413459474c6a517663532b4f3976556765637147596c593551646137444e50617363776c4b6a5832467635496a6b6e303576335278367954486d57584671586d6e63464c666656627730434177454141614e674d46347744415944565230544151482f424149774144414f42674e56485138424166384542414d4342614177485159445652304f42425945464363366579433375444d476c504d6a526c356b7746476a617249374d42384741315564497751594d42614146486e2b7944707265693876774d4d364d5a2f6f31476c2b5071754c4d416f4743437147534d343942414d43413067414d45554349514474652f4d4d716d536362743958744b5769455973434c78633657594b5853707a414e4e33337a2b6d6f6b514967624768687539425a3957756e777568666a446670747a4a6466704d572b645566495a514a4b592b61624a343d227d2c225365616c65644b6579223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a22416144647464504879614e38642b3871654665352b30642b6f486741555765587a396a72667a52345862424b55477a5350734944304e5175436d4c2f7446724b6e586b7554537a323151587335754c762f44484c3545414f557670745030765a6331565733734f7438772f684257394b6d304a4a37426a5a5a6a504475774e516457706f473051735a545a4e727931634442466d6149797570444478394b7a7344644665343371507234686c366854342b5150542f6c456f624368654e364137715a72704f753265663767733942522b614c6e776669756a4c56692f754b4c6a6d38474c4138776e6e7675356951636b462f2f4c496e45546f5a6a4c43476b625264323348316e4d2f74386b6b704e622f48637353524e7251436473522f6255744d63417a62545672364c7a356435482f6932497352712b6a336d6d7144666a326a4846704f64562b5939353437653257633438704b754d7255747958556b2b4d38615a796a6351494d30412b676d7974513466676b63373979456568314a73546672654b49315167464362734b6b717052574939724a436342486261644d6c784a50664149583655774f582f6a6e726f2b6668416e703477474363414768614d467049757a654775577653363649546e7147396c34427331556330324b305153303979446b414758727063336754474d347a3852704c355a7162534356745a5974774c524e3636694139773561784e486f6a314d325a4b765738644441636d716262343678434755334e384b366444516232676862664d414374584c7053646d4f436332594f68587569354374754f6645734d32456b667142483639714d397943686b2b7143656c5649503177347a5571502f784b2b494755383879713158722b696b734a2b434e3174582b742f30737579304f6c6e504d39494c336c4979694f4e646850304d6a6250496871364b683242324e3470447a6d3451422f626c7759454669544f6e436d38726a6d75434c2b38346d774c39424532514b6f4c75686672587a446f45615774556a477163537739356c2b5766583634526670463868764879436c426d547035734f654c6974504f6a337558534c7435726f6361737a6f4b584f5769785870362f66322b35367461436b3763345a364166516c46426e526c53464877627a7972336a704f426a685952334f4b49444e4a6a3175474864674b7a3136594b39485734626b623531364f55545a464c7842684955334d7a3165334b4b2f4234636b53744a325644626f514c7a4d6f79465145465a797a6e757a7a56534b662b5176696168617834576930517233744e37414d384d335a65616f714e326f5739707933664f5759453676435172366a6f4739494345377651334876615a364a447855636c35676937535773536a5963686745492b65364f776e716f6157305142456e67594b34722f53736c46593955694f6131436b52556d6c304e3047482f2b4c3577664237546c6652576d48436f7a7a6776425946654e30395264674b576c705a306c624c676a374c6564596b4f536f3455586b713776763575715072693261704e64396e745753454c7a6934627078466573673576355a77745848385837505a6b4d72372f74734e6b7a693638514f5149554f516d2b644e574952385a7a6c706d4c59656469363763366e43493654786741594469616269626a614674644833695136424c38373567392f7452686b414b4b5768584c32396b4f35714d386d46774744393351725371586c562f74696147324d6e4c63736b67626c4d664a32315665522f6f5638455a6658766a2b6f4158584a2b7a385a4e5a4c54344855724472575565637745546d4f786f73373968435443494757337a7276586152552f7a4a78465a574234687333466559574e562f4b434c46497833597851676f454b76424141324d4754774e6d5732302f747377456365615030693270746a4537626579642f51623572746d7a434a6a624769424e63585867564933304a424233454457535553367a36752f65572f7277716c736165635a386c4669513262335649524830594d4a455077376769784a7855475349494c7058614a785a7533366c4f303467575768324761434834735333666b5a53624c756f325268303572595079784633516b37562f5a4f702b4e386358614241506c3647544546596c3064523851576e69735049506d525631334e4932697750693061705562384f4b354751334257573073694571383255507263387749426947567957376f58437a6e4542425048387250332b6c754f6a666653354b77654d31673d3d227d7d5d7d2c2250726f66696c655369676e6572223a7b22246964223a2235222c222474797065223a22466c6565744d646d2e477261696e732e496e74657266616365732e5365616c656443657274696669636174652c20466c6565744d646d2e477261696e732e496e7465726661636573222c224365727469666963617465223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a224d494943697a4343416a47674177494241674951646d4e486a4e397665723145592f7a49345845694144414b42676771686b6a4f50515144416a41764d524577447759445651514b444168476247566c6445316b625445614d4267474131554541777752526d786c5a58524e5a4730675455524e49484a76623351774868634e4d6a59784d5449354d4463774d5451305768634e4d6a67784d5449344d4467774d545130576a417a4d524577447759445651514b444168476247566c6445316b625445654d4277474131554541777756526d786c5a58524e5a4730675455524e4948427962325a706247567a4d494942496a414e42676b71686b6947397730424151454641414f43415138414d49494243674b43415145416c4a646b6e4147784e63715339576c6735724e4a5654542f344172356c4258443841376f61314b306f596663574f5654546e45534a43736d4c3970383153314d6a65715837565643637479546d4c6e5275357234546c4a684351597966394d49437852334c624b5a5770772f696866574f7972486159323243586d397a4675654a6c68753231524e52415037534f316a772f585964744a5157306679486f6f7251456e51766b33757644646e525a44796e643562496a7054617255313764776e527a416e6844644b416849356f527545466364496a56746f4f6d563839394c573054745a416a4557534a6441464a7634622f74795859423247514a6e70554458796c5556784a5236544b6b4c454c4e7433785a3048316368596a7259794b2b425352786f714b6535356535374b4832324f452b7177707369346b572f34643156393171534b76314536715152366f4572486f6e535a774944415141426f324177586a414d42674e5648524d4241663845416a41414d41344741315564447745422f775145417749486744416442674e56485134454667515542645a7766346f2f59615a362b5775324a476d747678412f75663077487759445652306a42426777466f4155656637494f6d74364c792f41777a6f786e2b6a556158342b71347377436759494b6f5a497a6a30454177494453414177525149684149754e5a5a6f7055735642577064476c7076306b4c2f4c78794b67346c316e67322b6d64734a582f7266494169416d2f564f664b4b4777315064314570735475323777666f4631434c76647149635a4b4d7774586d475434673d3d227d2c225365616c65644b6579223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a2241525730394a777a5a6f565a44396f4c576e7638377176487354416474726c3170374569566a32337a776c74385364456e446142714e64716c3774565a546c587472736c366d766e333635577976636f49693550353649383273646c795770696f514b705334746651413567304264413549756b6a444e6b79396c38494b31365474784a69764339504f6c684a6a356a34344e682f56756c50385365337830372b544c6c55464f59795669544777654c4172654b54324b37494f764138637833636a616241443437424a357345475962346473523575707861516a734b6d4d61343864716c737372366d2f6f3676655551646a432b5734415a637a6a736738517659474566643372344f65674c74672f783032393567726c67636e4779594a33624b4e776431306f4558322f5136434f6d706d7546583473312b45716c78315071337839612f4f4562643837344369534f4a347358362b37576f4f7554386b435137773346734e79626f4466386c744c6c7731354e4e58315864304742654233656d71344e5464536a662b33536a375053696b6f7168784c6c536930426b58457078326863474a66744b577731376d4f72536f545370564d2f4736395064355065564a52616f6e6730345a7771422f677a6e61445a37417a3374563645787874714279726f55306e67474e424d46704f38483445592f7730506b484b4f3448444b6c61356636445942522b32347656473677536e584c62426f5246303168474a4b586677332f49664b733672547a505256755278484a3930474d4d7268393331314d67574d62586b6d4e517534397850455a3555412f4b4a653954693777447a696b39746b6164773858784966785134454341336b6d5345565854635155585a645071494d627074653870643730795a2f2f374a594750734d7930304a3430796f597a5172434d7833765a6c7a306953505a393059476d326c6a75717359522b4275786c7132316e4d6e5749354335573053792f656b74396d765a2b5675392f42456a767636506f4549556b75704f545250356a6d4f4d6d736f3043667a59457a367852457133624a365a706d754e4b70374c526844335078446f31713033312f7245344b6d737671417032482f50614e694130326853676557304f4a5441363475493854504f4d63427a3662572f4b4467793736424b2b76717a58782b4b77617a4d33443548726d6c5857526d4c374e6d566d4a7032324f4c756d3764464c48635442586f516373723434397a344f6d666b417a544534564636676b65366c4245444c41666d4f35784334436f6758706852473758706954546c5a72346b3035412b5a494c743439546d72416c3167534254744b4a4b4f77717a5a344e7776614468587a42716374416a6d6162533762394f5a4530365335657947366c516d5a4c6758577530587a424148567246635970676751766a5178764b706458304a754342502f31466873755642346b4a322b4b367453534a3830645a6862614d3242757a6f53425263552b61644770526f35724238333764474f397150612b515346566d694d367679475a554563324d75687a666747516648684775485343483934424a76576b4358477a6c4b4b5642544d704a48384c742b354b50394759575a6953504b4465486374626e796e51356d476930724e43596b477843714b6877495a38345347757354334a7478524b4b62574663716d6732344d2f39716152454c32536b7876654264396e2f61447662494859523454413378386f4d645452534a6b31564a3534485444566e776749563577697676444967343458363174645a30567973456c6d6156554f5170704d336232724473635a2f4a345a4879674b6c463132765945416e557135464c71335375494b672f55376b614e38445a4261486845725a356b506b576859306e6e6e767a414731587051753070685156384948513641635a7376316d76726c577839734968666144343936354b744b7254525a716b6451674957556871514b78686837537866574876413142774c6b6a5a4141344e6f73626a2f3449546d3741644350472b2f6e6f654378474f672b736a326a626b454b497a6b786a687546684e4c2b3034523558744d735a48354b37754d634a4b7548774b72506a523431643337334e6e456e52767171694b43314d745876787a59774238436674303048724952612f4c69424d5138726542314c493278556e304a5266637a50753251766a63564179566c4843537955546766626a35656d4b696d33784f7267504e316773626e3539546367464c6d717766564a412f513d3d227d7d2c225365616c65644368616c6c656e67654b6579223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a22415a4957516e633456586d345045593868792f5a765279446d504b467465476644416f556b4366517a7836427a5a664a2f787879765363354431664c2f4d61453773504c376c64787553415a6668797565513d3d227d7d7d	2026-11-29 08:01:46.9+00
fleetmdm	push-certificate	0	0	mdm	1	\\x7b22246964223a2231222c222474797065223a22466c6565744d646d2e477261696e732e507573682e50757368436572746966696361746553746174652c20466c6565744d646d2e477261696e73222c2256657273696f6e223a312c224365727469666963617465223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a224d49494337444343417047674177494241674951616375356a4c384b587070765a3070653278716c526a414b42676771686b6a4f50515144416a41354d525577457759445651514b4577785761584a3064574673526d786c5a5851784944416542674e5642414d5446314e70625856735958526c5a434242634842735a5342536232393049454e424d423458445449324d5445794f5441334e5459304f466f58445449334d5445794f5441344d4445304f466f77675938785444424b42676f4a6b69614a6b2f49735a4145424444786a62323075595842776247557562576474644335466548526c636d3568624334354f474a6b4e325934596930775a474e6c4c5452694f475974595449354d7930334e7a6c684e4455344f474e6b4e5745784d6a417742674e5642414d4d4b554651553141364e4751334d546377597a45744d6a51334e4330304e5751794c5745314e4445744f5441785a474a6a4e7a59344f444a684d517377435159445651514745774a56557a4343415349774451594a4b6f5a496876634e4151454242514144676745504144434341516f4367674542414d65746e6d53333775347a736a4f64435a517154664e696253733933654535426b4b454e2f4f524b6549774541574b485376544e5966582f35384269676b684766543763454649652f6d31636a514e615761354a74724e6f7a655a6262425548784e6c47744c2b444639423241657a52423745614c507469652f73704374664269462f5a62307677386f5338474f4f7a505832502f546c5457496937566f716c436679742b797835555169776341475175787a565637794b6e6545734c4b4436514b6334326b4266346d756a7a4d5731323359545555517471536b69764d65485a39774e494d65674b6850396575356569314835436562487759595a6276464b4b32766c584c4d487771712b344c4c2b66744e72754b42363355304f4b31636472494c645a734252336b555676356c2b447a33306a7648656d3758523343666a78364c52316a4e586f6e3246744c4c4341306c767830434177454141614e5a4d46637744415944565230544151482f424149774144414f42674e56485138424166384542414d4342344177466759445652306c4151482f42417777436759494b7759424251554841774977487759445652306a42426777466f41556e7477576e517346497044324953307332434f5848726e7178445977436759494b6f5a497a6a3045417749445351417752674968414c5834704d754b597a63703446786c49626e637039387273455457624553575a71396c2b36334e7656764a416945416a3430436964636370576571454f544a783650734a2f4265496636312b58586d7267646833372f622f78593d227d2c225365616c65644b6579223a7b222474797065223a2253797374656d2e427974655b5d2c2053797374656d2e507269766174652e436f72654c6962222c222476616c7565223a2241626f6c547175755274797636587459486e4f69324b69384f2f4e496b374f3939472f2f39713953435a7a2f4c773361664c6b7a534f59453134642f516851736a3863516d6f373833626f38535969484e364e3564643851685768514d426a6e57674b36474566317169455857545275643251453846717556394235414e5368363532754f2b4e5239424771412b476242663967674158654f574436384453354d30325a6e3876724e356d3059546357774f397a31554a64324747613778677964707345316c755551694b7a622f486748455a62374c76425644694650303275596e4565754c71636d354d64346d70346e443244563869767132737251664773516b53317939466e76314b796b54776f69716a432f45742b684559504372767558387a6d53772f713174394b586d4e774364365773463164334b37555873524a4e744d4957564d726c457273734a75576255482b6e6c7478417559745a42747249346b2b6361414b616c725078494f384d4d49545a6a5854756831714a6e6f43764e343450452b4f6362485378646837714c697a397a6b6f31734b586477446e646f326744694c73706767366136704c4c4634744b4f614e4f56324c495a594c453634734a4e41764266654855634664464272333647524b6f6b41646b44714b7761623562757249526146585770366d4351785568673447642b52775875312b716d62674d544749643045375934782f582f6b50717170792f33782f4f43415633366a4e6c58516273793533554e55575136796e4a414d437747707755677043462f6a6b6c65795658743557554a776731366b786341544d763334734b71616b4b78676862396f78346e59584c6f474f6b5651754e522b49426859314573355a5547345657676877724b45765a4b474f346c704956456a766e334a357065512f3046744e367a7348637971423956626e4f64756c453544543336513177484c333942693042364e31686e78595a2f782b556a657446424963465542446445362b70756e74747054784864743253474e383737475362595575495947326f784d324a58324f4835624555594f46476e576c456b494d6b464866413544516a70716f6377616c6b306a353934767666626c686d6a4253614346476e4d69594e5265716b4d7241646b35466e6371303536666c425971326b4e356a59496f595855444a66666b583073366e5166366663496744706b732b544555714e7967617057764563707144516d3739576f3358746d647053523554464e687864745877747536487a4372755074676c4461577064614d78577a52305a4a46364e4a7466587a354b48304c4e37537263354f2f66485851444741722b483553453456304d50524d7132723135726c693863305137743350647a783954796d792b45314772496f6b414479754936435a48536a73685a39432f4466354a57764366694b4e6c746e734d457930626f4d4b3375494e4368684d7a7971784634784373497130794b69394e7a5059784b464266715968646d784a434e6c7a69324164715755334965592b6c61386a666b703278536942634f322b586b307a59786b4b2f44757a69557a50597a6f35386f415733594e703951466e7339367256773643494e7a3943747743756f426679444e42716c56313475587367366b392f486b55734f65613250306e344e4752694f613551767565423733335a415653735063534b683466463571706351775551716468534a533949355453725743473562684776694357506348356235495a4242642b344b6c4441764f78634b397176614b4372524856536253703743416e4c315a486b473648364770384a64526c5a31484e65536138584a385a757a637855634e326364734f775071392b454575513655496f735968617834367445496b547145766a73306363306d413969654d6a544c574339734342444d32684b4463417a7044753143644f657864584d66426770613877616a754e77576e5541325a4c6e692f504968316c62536d3170594946326763704a516e447463434e413945505761644e762b4d727a3949726a69503363764d57684f4c357862794e37334e4366386943344539683747336e56515758354e643139306250386e704e6f683163584c35377949667644574c6579734d7a4d334b52332b6a544b5349476b356d4e37666d4e4942545765415a4865583774586d446969774f30465a31384f49735258445259596b67772f59356d4e53545a5431703748343046474349423466653156355467776a4435424c723634362f2b7331657375344d65786a593d227d2c22546f706963223a22636f6d2e6170706c652e6d676d742e45787465726e616c2e39386264376638622d306463652d346238662d613239332d373739613435383863643561222c22496e7374616c6c65644174223a22323032362d31312d32395430383a30313a34382e353331353635372b30303a3030227d	2026-11-29 08:01:48.541+00
\.


--
-- Data for Name: pins; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.pins (sha256, device_id, not_after, pinned_at) FROM stdin;
\\xb99f02673a1d16ab1e528d5a8f57cabc12cebeddb7212647e8d83bc7978eaa6d	00008101-67ABDD721024F0FF	2031-11-28 08:01:50+00	2026-11-29 08:01:50.993+00
\\xd26e5116737e7f7d5e747ca5c7c44dda8336ed0669ac1df520af2f0b227ad420	00008101-26B25D457597A7B0	2031-11-28 08:01:53+00	2026-11-29 08:01:54.029+00
\\xb2a47cbd7b077828b4c3b740bfb168050d320d8f698f125ec62a93adcbedf46a	00008101-9D9F290527A6BE62	2031-11-28 08:01:55+00	2026-11-29 08:01:55.556+00
\\xbe596c80f7220beee325bab81b4c7ea36b1ef7c7ed97e9ebad0390b4d9863a92	00008101-FB5E512425FC9449	2031-11-28 08:01:57+00	2026-11-29 08:01:57.675+00
\\xa8c51c9623110fd99a0438af75324874d7ee2b274bb9e621567e7571f6773fe2	00008101-2594B6A92EBFB1C3	2031-11-28 08:01:58+00	2026-11-29 08:01:58.506+00
\.


--
-- Data for Name: queue; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.queue (enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, expires_at, operation_id, not_now_count, not_now_at) FROM stdin;
00008101-67ABDD721024F0FF	2	01A22653-22CE-721F-AA36-5A7F70A67DEF	Settings	\\x31842a1a1ece8edd5ad4faf9c78b46cfbe6ba01d1ac446b9d657c925a9f7b051	2026-11-29 08:01:52.339+00	\N	\N	0	\N
00008101-26B25D457597A7B0	4	01A22653-2BA8-7F2B-9ACB-521AA59C5138	Settings	\\x3cebad93358566b8c19a6fbc8f88fbd514ab04fa5ab5161664c7b48f99e8e9be	2026-11-29 08:01:54.619+00	\N	\N	0	\N
00008101-26B25D457597A7B0	5	01A22653-2BD5-79D7-9C4F-8A0359E1E66E	ClearPasscode	\\x10fce936ee20942ae173b1b67626c6261396080f48ad9e44f50bbecbae5716db	2026-11-29 08:01:54.655+00	\N	\N	0	\N
00008101-9D9F290527A6BE62	7	01A22653-31D3-7BFF-9B97-6979A686B4B8	Settings	\\x9b6364f6a8e284aa286b9ced07fd174ad316c72209ccd5c9a5e8c2aaa1b002d7	2026-11-29 08:01:56.199+00	\N	\N	0	\N
00008101-FB5E512425FC9449	9	01A22653-3A04-7BA9-8EB9-4511AEF356E6	Settings	\\x1f4a8f77f9ef6fe909c92ff960cc73ea4aac9c3517bcbcbfca8b39f32b925365	2026-11-29 08:01:58.286+00	\N	\N	0	\N
00008101-26B25D457597A7B0	11	01A22653-3BA4-7EFB-BC2A-51E58AA85837	RestartDevice	\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	2026-11-29 08:01:58.715+00	\N	01a22653-3ba4-74eb-9c65-a2c66ca6922e	0	\N
00008101-67ABDD721024F0FF	12	01A22653-3BA4-7EFB-BC2A-51E58AA85837	RestartDevice	\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	2026-11-29 08:01:58.715+00	\N	01a22653-3ba4-74eb-9c65-a2c66ca6922e	0	\N
00008101-9D9F290527A6BE62	13	01A22653-3BA4-7EFB-BC2A-51E58AA85837	RestartDevice	\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	2026-11-29 08:01:58.715+00	\N	01a22653-3ba4-74eb-9c65-a2c66ca6922e	0	\N
00008101-FB5E512425FC9449	14	01A22653-3BA4-7EFB-BC2A-51E58AA85837	RestartDevice	\\x10055d261a3161d40cc561911e876404d784f5910901ddd8684c9eb1c8a22271	2026-11-29 08:01:58.715+00	\N	01a22653-3ba4-74eb-9c65-a2c66ca6922e	0	\N
\.


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.schema_version (version, name, applied_at) FROM stdin;
1	001_device_plane	2026-11-29 08:01:42.076725+00
2	002_orleans	2026-11-29 08:01:42.360942+00
\.


--
-- Data for Name: used_challenges; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.used_challenges (hash, invitation_id, public_key_hash, certificate, used_at) FROM stdin;
\\xd66fe1c257e40b27a58f82af3dc550cbcb7ce977a82b19a53cb0aed3d12240c5	B8eoWr71wqbLuA85qjCLEw	\\x7d493191d7b5c201105edabced262bf816258037536ce5002a2148d27da0ed81	\\xb99f02673a1d16ab1e528d5a8f57cabc12cebeddb7212647e8d83bc7978eaa6d	2026-11-29 08:01:50.253+00
\\x9264666e556fffb37715a0c441e558339816ae43b686c9d047b16a0b37c42785	B8eoWr71wqbLuA85qjCLEw	\\xc3231a7f3abc945da7b5f4d0323d994b3acea454885c09db173227ab788f3695	\\xd26e5116737e7f7d5e747ca5c7c44dda8336ed0669ac1df520af2f0b227ad420	2026-11-29 08:01:53.988+00
\\xe27384cc4e3cfb80e8f73df1f47a33b4cfec608af227cc75de2d35de986a3c17	B8eoWr71wqbLuA85qjCLEw	\\x263d940174d57a828d4c2b09aa2482a673b65ad8ac0c429acae4e352d59cc392	\\xb2a47cbd7b077828b4c3b740bfb168050d320d8f698f125ec62a93adcbedf46a	2026-11-29 08:01:55.515+00
\\x778a74cd07d7d8c0be9ddfeea82f840a322805ae1e998ff1b17b5103ee2a000b	B8eoWr71wqbLuA85qjCLEw	\\x813264d9c6fe32b7d6d82795e018d324dc6389b3636c6633bf9188e219bd0731	\\xbe596c80f7220beee325bab81b4c7ea36b1ef7c7ed97e9ebad0390b4d9863a92	2026-11-29 08:01:57.619+00
\\xed8065c70bf87bf60eda7f930fc3357a5f424cbab3a7dde811ae51672553cdd6	B8eoWr71wqbLuA85qjCLEw	\\x7d493191d7b5c201105edabced262bf816258037536ce5002a2148d27da0ed81	\\xa8c51c9623110fd99a0438af75324874d7ee2b274bb9e621567e7571f6773fe2	2026-11-29 08:01:58.44+00
\.


--
-- Name: invitations_number_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.invitations_number_seq', 1, true);


--
-- Name: operations_number_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.operations_number_seq', 1, true);


--
-- Name: queue_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.queue_sequence_seq', 14, true);


--
-- Name: bodies bodies_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bodies
    ADD CONSTRAINT bodies_pkey PRIMARY KEY (hash);


--
-- Name: device_activity device_activity_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device_activity
    ADD CONSTRAINT device_activity_pkey PRIMARY KEY (id);


--
-- Name: devices devices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);


--
-- Name: facts facts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.facts
    ADD CONSTRAINT facts_pkey PRIMARY KEY (name);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key);


--
-- Name: invitations invitations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);


--
-- Name: issued_certificates issued_certificates_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_pkey PRIMARY KEY (sha256);


--
-- Name: key_ring key_ring_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_ring
    ADD CONSTRAINT key_ring_pkey PRIMARY KEY (name);


--
-- Name: operations operations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);


--
-- Name: orleansmembershiptable orleansmembershiptable_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orleansmembershiptable
    ADD CONSTRAINT orleansmembershiptable_pkey PRIMARY KEY (deploymentid, address, port, generation);


--
-- Name: orleansmembershipversiontable orleansmembershipversiontable_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orleansmembershipversiontable
    ADD CONSTRAINT orleansmembershipversiontable_pkey PRIMARY KEY (deploymentid);


--
-- Name: orleansquery orleansquery_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orleansquery
    ADD CONSTRAINT orleansquery_pkey PRIMARY KEY (querykey);


--
-- Name: orleansstorage orleansstorage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orleansstorage
    ADD CONSTRAINT orleansstorage_pkey PRIMARY KEY (serviceid, graintypestring, grainidextensionstring, grainidn0, grainidn1);


--
-- Name: pins pins_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pins
    ADD CONSTRAINT pins_pkey PRIMARY KEY (sha256);


--
-- Name: queue queue_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (enrolment_id, sequence);


--
-- Name: schema_version schema_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);


--
-- Name: used_challenges used_challenges_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.used_challenges
    ADD CONSTRAINT used_challenges_pkey PRIMARY KEY (hash);


--
-- Name: bodies_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bodies_by_age ON public.bodies USING btree (last_used);


--
-- Name: devices_by_device; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX devices_by_device ON public.devices USING btree (device_id) WHERE (device_id <> id);


--
-- Name: devices_by_school; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX devices_by_school ON public.devices USING btree (school, id) WHERE (school IS NOT NULL);


--
-- Name: devices_by_serial; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX devices_by_serial ON public.devices USING btree (serial_number);


--
-- Name: devices_by_topic; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX devices_by_topic ON public.devices USING btree (topic, status) WHERE (topic IS NOT NULL);


--
-- Name: devices_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX devices_search ON public.devices USING btree (id) INCLUDE (search);


--
-- Name: history_by_command; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_by_command ON ONLY public.history USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_202611_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202611_command_uuid_enrolment_id_operation_id_endin_idx ON public.history_202611 USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_by_enrolment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_by_enrolment ON ONLY public.history USING btree (enrolment_id, sequence DESC);


--
-- Name: history_202611_enrolment_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202611_enrolment_id_sequence_idx ON public.history_202611 USING btree (enrolment_id, sequence DESC);


--
-- Name: history_202612_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202612_command_uuid_enrolment_id_operation_id_endin_idx ON public.history_202612 USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_202612_enrolment_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202612_enrolment_id_sequence_idx ON public.history_202612 USING btree (enrolment_id, sequence DESC);


--
-- Name: history_202701_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202701_command_uuid_enrolment_id_operation_id_endin_idx ON public.history_202701 USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_202701_enrolment_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202701_enrolment_id_sequence_idx ON public.history_202701 USING btree (enrolment_id, sequence DESC);


--
-- Name: history_202702_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202702_command_uuid_enrolment_id_operation_id_endin_idx ON public.history_202702 USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_202702_enrolment_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_202702_enrolment_id_sequence_idx ON public.history_202702 USING btree (enrolment_id, sequence DESC);


--
-- Name: history_default_command_uuid_enrolment_id_operation_id_endi_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_default_command_uuid_enrolment_id_operation_id_endi_idx ON public.history_default USING btree (command_uuid, enrolment_id) INCLUDE (operation_id, ending);


--
-- Name: history_default_enrolment_id_sequence_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_default_enrolment_id_sequence_idx ON public.history_default USING btree (enrolment_id, sequence DESC);


--
-- Name: idempotency_keys_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (claimed_at);


--
-- Name: invitations_by_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX invitations_by_number ON public.invitations USING btree (number);


--
-- Name: operations_by_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX operations_by_number ON public.operations USING btree (number);


--
-- Name: operations_unfinished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX operations_unfinished ON public.operations USING btree (accepted_at) WHERE ((announced_at IS NULL) OR (pushed_after IS NOT NULL));


--
-- Name: pins_by_device; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pins_by_device ON public.pins USING btree (device_id);


--
-- Name: queue_by_command; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX queue_by_command ON public.queue USING btree (command_uuid, enrolment_id);


--
-- Name: queue_by_operation; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX queue_by_operation ON public.queue USING btree (operation_id, sequence) WHERE (operation_id IS NOT NULL);


--
-- Name: history_202611_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_command ATTACH PARTITION public.history_202611_command_uuid_enrolment_id_operation_id_endin_idx;


--
-- Name: history_202611_enrolment_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_enrolment ATTACH PARTITION public.history_202611_enrolment_id_sequence_idx;


--
-- Name: history_202612_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_command ATTACH PARTITION public.history_202612_command_uuid_enrolment_id_operation_id_endin_idx;


--
-- Name: history_202612_enrolment_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_enrolment ATTACH PARTITION public.history_202612_enrolment_id_sequence_idx;


--
-- Name: history_202701_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_command ATTACH PARTITION public.history_202701_command_uuid_enrolment_id_operation_id_endin_idx;


--
-- Name: history_202701_enrolment_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_enrolment ATTACH PARTITION public.history_202701_enrolment_id_sequence_idx;


--
-- Name: history_202702_command_uuid_enrolment_id_operation_id_endin_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_command ATTACH PARTITION public.history_202702_command_uuid_enrolment_id_operation_id_endin_idx;


--
-- Name: history_202702_enrolment_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_enrolment ATTACH PARTITION public.history_202702_enrolment_id_sequence_idx;


--
-- Name: history_default_command_uuid_enrolment_id_operation_id_endi_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_command ATTACH PARTITION public.history_default_command_uuid_enrolment_id_operation_id_endi_idx;


--
-- Name: history_default_enrolment_id_sequence_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.history_by_enrolment ATTACH PARTITION public.history_default_enrolment_id_sequence_idx;


--
-- Name: orleansmembershiptable orleansmembershiptable_deploymentid_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.orleansmembershiptable
    ADD CONSTRAINT orleansmembershiptable_deploymentid_fkey FOREIGN KEY (deploymentid) REFERENCES public.orleansmembershipversiontable(deploymentid);


--
-- PostgreSQL database dump complete
--


