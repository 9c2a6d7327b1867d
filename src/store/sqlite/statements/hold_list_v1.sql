-- In order of posting: along the table, along an index by status, along those of an account, or along its open ones. Those that have
-- expired are of two kinds: told so, and open with their time behind them. A cursor is a transaction number.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first,
    CASE WHEN json_extract(d, '$.after') GLOB '*[^0-9]*' OR json_extract(d, '$.after') = '' THEN json_extract(d, 'cala:request.malformed')
      ELSE CAST(json_extract(d, '$.after') AS INTEGER) END AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.now') AS now,
    json_extract(d, '$.status') AS status, json_extract(d, '$.account_id') AS account_id,
    (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(d, '$.account_id')) AS account_n,
    coalesce(json_extract(d, '$.expires_before'), 9223372036854775807) AS before,
    json_extract(d, '$.expires_before') IS NOT NULL AS is_before
  FROM (SELECT ? AS d)
),
chosen AS (
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.n > (SELECT coalesce(after, 0) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n LIMIT (SELECT CASE WHEN NOT backward AND account_id IS NULL AND status IS NULL THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n DESC LIMIT (SELECT CASE WHEN backward AND account_id IS NULL AND status IS NULL THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.status = (SELECT status FROM q)
      AND (h.status <> 'open' OR h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND h.n > (SELECT coalesce(after, 0) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n LIMIT (SELECT CASE WHEN NOT backward AND account_id IS NULL AND status IS NOT NULL THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.status = (SELECT status FROM q)
      AND (h.status <> 'open' OR h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n DESC LIMIT (SELECT CASE WHEN backward AND account_id IS NULL AND status IS NOT NULL THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.status = 'open' AND h.expires_at <= (SELECT now FROM q)
      AND h.n > (SELECT coalesce(after, 0) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n LIMIT (SELECT CASE WHEN NOT backward AND account_id IS NULL AND status = 'expired' THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_holds h
    WHERE h.status = 'open' AND h.expires_at <= (SELECT now FROM q)
      AND h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY h.n DESC LIMIT (SELECT CASE WHEN backward AND account_id IS NULL AND status = 'expired' THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_hold_accounts x CROSS JOIN cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q)
      AND (SELECT status IS NULL OR status = CASE WHEN h.status = 'open' AND h.expires_at <= now THEN 'expired' ELSE h.status END FROM q)
      AND x.hold_n > (SELECT coalesce(after, 0) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY x.hold_n LIMIT (SELECT CASE WHEN NOT backward AND account_id IS NOT NULL AND coalesce(status, '') <> 'open' THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_hold_accounts x CROSS JOIN cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q)
      AND (SELECT status IS NULL OR status = CASE WHEN h.status = 'open' AND h.expires_at <= now THEN 'expired' ELSE h.status END FROM q)
      AND x.hold_n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY x.hold_n DESC LIMIT (SELECT CASE WHEN backward AND account_id IS NOT NULL AND coalesce(status, '') <> 'open' THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_hold_accounts x CROSS JOIN cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open
      AND (h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND x.hold_n > (SELECT coalesce(after, 0) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY x.hold_n LIMIT (SELECT CASE WHEN NOT backward AND account_id IS NOT NULL AND status = 'open' THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT * FROM (
    SELECT h.n FROM cala_hold_accounts x CROSS JOIN cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open
      AND (h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND x.hold_n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND (SELECT NOT is_before OR h.expires_at < before FROM q)
    ORDER BY x.hold_n DESC LIMIT (SELECT CASE WHEN backward AND account_id IS NOT NULL AND status = 'open' THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.n || '"}' AS row
  FROM (SELECT n FROM chosen ORDER BY CASE WHEN (SELECT backward FROM q) THEN -n ELSE n END LIMIT (SELECT first FROM q)) c
  CROSS JOIN cala_hold_rows_v1 r ON r.n = c.n
)
