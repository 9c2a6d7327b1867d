-- Account sets: who is in which. A set is a row of accounts.
--
-- The direct members, as they were added.
CREATE TABLE @schema@.account_set_members (
  account_set_id uuid NOT NULL,
  member_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  member_is_set boolean NOT NULL,
  CONSTRAINT account_set_members_pkey PRIMARY KEY (account_set_id, member_id)
)
-- @break
CREATE INDEX account_set_members_member_idx ON @schema@.account_set_members (member_id, account_set_id)
-- @break
CREATE INDEX account_set_members_created_idx ON @schema@.account_set_members (account_set_id, created_at, member_id)
-- @break
-- Every set above every member, account or set, with the number of memberships between them: what a posting reads. Kept by
-- whoever writes memberships, alone in the journal (its fence). A member reaches a set by one path only, so the key is unique.
CREATE TABLE @schema@.account_set_ancestors (
  member_id uuid NOT NULL,
  account_set_id uuid NOT NULL,
  depth integer NOT NULL,
  CONSTRAINT account_set_ancestors_pkey PRIMARY KEY (member_id, account_set_id) INCLUDE (depth)
)
-- @break
CREATE INDEX account_set_ancestors_set_idx ON @schema@.account_set_ancestors (account_set_id, member_id) INCLUDE (depth)
-- @break
-- One membership more, or less: every member at or below the member reaches every set at or above the set.
CREATE FUNCTION @schema@.account_set_member_paths(set_id uuid, member uuid)
RETURNS TABLE (member_id uuid, account_set_id uuid, depth integer)
LANGUAGE sql STABLE AS $body$
  SELECT below.id, above.id, below.depth + 1 + above.depth
    FROM (SELECT member AS id, 0 AS depth
      UNION ALL SELECT a.member_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.account_set_id = member) AS below
    CROSS JOIN (SELECT set_id AS id, 0 AS depth
      UNION ALL SELECT a.account_set_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.member_id = set_id) AS above
$body$
