-- In order of posting: along the table, along an index by status, along those of an account, or along its open ones.
-- Those that have expired are of two kinds: told so, and open with their time behind them. Or, of those that expire
-- before an instant, in order of expiry: along an index by status and expiry, or along the account's. A cursor is a
-- transaction number, or an expiry and a number.
WITH q AS MATERIALIZED (
  SELECT first, backward, now, status, account_n, before,
    CASE WHEN NOT by_expiry THEN CAST(after AS INTEGER) END AS after, after_at,
    CAST(substr(after, instr(after, '/') + 1) AS INTEGER) AS after_n, at_least, at_most,
    CASE status WHEN 'open' THEN max(at_least, now + 1) ELSE at_least END AS open_at_least,
    CASE status WHEN 'expired' THEN min(at_most, now) ELSE at_most END AS open_at_most,
    CASE WHEN by_expiry THEN CASE WHEN account_id IS NULL THEN 'expiry' ELSE 'account expiry' END
      WHEN account_id IS NOT NULL THEN 'account' WHEN status IS NOT NULL THEN 'status' ELSE 'all' END
      || CASE WHEN backward THEN ' back' ELSE '' END AS along
  FROM (SELECT first, backward, now, status, account_id, account_n, before, by_expiry, after, after_at,
    CASE WHEN after_at IS NULL OR backward THEN -9223372036854775807 ELSE after_at END AS at_least,
    CASE WHEN after_at IS NULL OR NOT backward THEN before - 1 ELSE min(before - 1, after_at) END AS at_most
  FROM (SELECT first, backward, now, status, account_id, account_n, before, by_expiry, after,
    CASE WHEN by_expiry THEN CAST(after AS INTEGER) END AS after_at
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.desc'), 0) AS backward,
      json_extract(d, '$.now') AS now, json_extract(d, '$.status') AS status,
      json_extract(d, '$.account_id') AS account_id,
      (SELECT a.n FROM main.cala_accounts a WHERE a.id = json_extract(d, '$.account_id')) AS account_n,
      json_extract(d, '$.expires_before') AS before, json_extract(d, '$.expires_before') IS NOT NULL AS by_expiry,
      CASE WHEN CASE WHEN json_extract(d, '$.expires_before') IS NOT NULL
          THEN ltrim(json_extract(d, '$.after'), '-') NOT GLOB '[0-9]*/[0-9]*'
            OR replace(ltrim(json_extract(d, '$.after'), '-'), '/', '') GLOB '*[^0-9]*'
          ELSE json_extract(d, '$.after') GLOB '*[^0-9]*' OR json_extract(d, '$.after') = '' END
        THEN json_extract(d, 'cala:request.malformed') ELSE json_extract(d, '$.after') END AS after
    FROM (SELECT ? AS d))))
),
chosen AS (
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.n > (SELECT coalesce(after, 0) FROM q)
    ORDER BY h.n
    LIMIT (SELECT first * (along = 'all') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
    ORDER BY h.n DESC
    LIMIT (SELECT first * (along = 'all back') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.status = (SELECT status FROM q)
      AND (h.status <> 'open' OR h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND h.n > (SELECT coalesce(after, 0) FROM q)
    ORDER BY h.n
    LIMIT (SELECT first * (along = 'status') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.status = (SELECT status FROM q)
      AND (h.status <> 'open' OR h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
    ORDER BY h.n DESC
    LIMIT (SELECT first * (along = 'status back') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.status = 'open' AND h.expires_at <= (SELECT now FROM q)
      AND h.n > (SELECT coalesce(after, 0) FROM q)
    ORDER BY h.n
    LIMIT (SELECT first * (along = 'status' AND status = 'expired') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_holds h
    WHERE h.status = 'open' AND h.expires_at <= (SELECT now FROM q)
      AND h.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
    ORDER BY h.n DESC
    LIMIT (SELECT first * (along = 'status back' AND status = 'expired') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q)
      AND (SELECT status IS NULL OR status = CASE WHEN h.status = 'open' AND h.expires_at <= now THEN 'expired'
        ELSE h.status END FROM q)
      AND x.hold_n > (SELECT coalesce(after, 0) FROM q)
    ORDER BY x.hold_n
    LIMIT (SELECT first * (along = 'account' AND coalesce(status, '') <> 'open') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q)
      AND (SELECT status IS NULL OR status = CASE WHEN h.status = 'open' AND h.expires_at <= now THEN 'expired'
        ELSE h.status END FROM q)
      AND x.hold_n < (SELECT coalesce(after, 9223372036854775807) FROM q)
    ORDER BY x.hold_n DESC
    LIMIT (SELECT first * (along = 'account back' AND coalesce(status, '') <> 'open') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open
      AND (h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND x.hold_n > (SELECT coalesce(after, 0) FROM q)
    ORDER BY x.hold_n
    LIMIT (SELECT first * (along = 'account' AND coalesce(status, '') = 'open') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, 0 AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open
      AND (h.expires_at IS NULL OR h.expires_at > (SELECT now FROM q))
      AND x.hold_n < (SELECT coalesce(after, 9223372036854775807) FROM q)
    ORDER BY x.hold_n DESC
    LIMIT (SELECT first * (along = 'account back' AND coalesce(status, '') = 'open') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'open'
      AND h.expires_at >= (SELECT open_at_least FROM q) AND h.expires_at <= (SELECT open_at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) > (after_at, after_n) FROM q)
    ORDER BY h.expires_at, h.n
    LIMIT (SELECT first * (along = 'expiry' AND coalesce(status, 'open') IN ('open', 'expired')) FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'open'
      AND h.expires_at >= (SELECT open_at_least FROM q) AND h.expires_at <= (SELECT open_at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) < (after_at, after_n) FROM q)
    ORDER BY h.expires_at DESC, h.n DESC
    LIMIT (SELECT first * (along = 'expiry back' AND coalesce(status, 'open') IN ('open', 'expired')) FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'captured'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) > (after_at, after_n) FROM q)
    ORDER BY h.expires_at, h.n
    LIMIT (SELECT first * (along = 'expiry' AND coalesce(status, 'captured') = 'captured') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'captured'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) < (after_at, after_n) FROM q)
    ORDER BY h.expires_at DESC, h.n DESC
    LIMIT (SELECT first * (along = 'expiry back' AND coalesce(status, 'captured') = 'captured') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'released'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) > (after_at, after_n) FROM q)
    ORDER BY h.expires_at, h.n
    LIMIT (SELECT first * (along = 'expiry' AND coalesce(status, 'released') = 'released') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'released'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) < (after_at, after_n) FROM q)
    ORDER BY h.expires_at DESC, h.n DESC
    LIMIT (SELECT first * (along = 'expiry back' AND coalesce(status, 'released') = 'released') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'expired'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) > (after_at, after_n) FROM q)
    ORDER BY h.expires_at, h.n
    LIMIT (SELECT first * (along = 'expiry' AND coalesce(status, 'expired') = 'expired') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, h.expires_at AS at FROM main.cala_holds h
    WHERE h.status = 'expired'
      AND h.expires_at >= (SELECT at_least FROM q) AND h.expires_at <= (SELECT at_most FROM q)
      AND (SELECT after_at IS NULL OR (h.expires_at, h.n) < (after_at, after_n) FROM q)
    ORDER BY h.expires_at DESC, h.n DESC
    LIMIT (SELECT first * (along = 'expiry back' AND coalesce(status, 'expired') = 'expired') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, x.expires_at AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open = 1
      AND x.expires_at >= (SELECT open_at_least FROM q) AND x.expires_at <= (SELECT open_at_most FROM q)
      AND (SELECT after_at IS NULL OR (x.expires_at, x.hold_n) > (after_at, after_n) FROM q)
    ORDER BY x.expires_at, x.hold_n
    LIMIT (SELECT first * (along = 'account expiry' AND coalesce(status, 'open') IN ('open', 'expired')) FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, x.expires_at AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open = 1
      AND x.expires_at >= (SELECT open_at_least FROM q) AND x.expires_at <= (SELECT open_at_most FROM q)
      AND (SELECT after_at IS NULL OR (x.expires_at, x.hold_n) < (after_at, after_n) FROM q)
    ORDER BY x.expires_at DESC, x.hold_n DESC
    LIMIT (SELECT first * (along = 'account expiry back' AND coalesce(status, 'open') IN ('open', 'expired')) FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, x.expires_at AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open = 0
      AND x.expires_at >= (SELECT at_least FROM q) AND x.expires_at <= (SELECT at_most FROM q)
      AND (SELECT status IS NULL OR status = h.status FROM q)
      AND (SELECT after_at IS NULL OR (x.expires_at, x.hold_n) > (after_at, after_n) FROM q)
    ORDER BY x.expires_at, x.hold_n
    LIMIT (SELECT first * (along = 'account expiry' AND coalesce(status, '') <> 'open') FROM q))
  UNION ALL
  SELECT n, at FROM (
    SELECT h.n, x.expires_at AS at FROM main.cala_hold_accounts x CROSS JOIN main.cala_holds h ON h.n = x.hold_n
    WHERE x.account_n = (SELECT account_n FROM q) AND x.is_open = 0
      AND x.expires_at >= (SELECT at_least FROM q) AND x.expires_at <= (SELECT at_most FROM q)
      AND (SELECT status IS NULL OR status = h.status FROM q)
      AND (SELECT after_at IS NULL OR (x.expires_at, x.hold_n) < (after_at, after_n) FROM q)
    ORDER BY x.expires_at DESC, x.hold_n DESC
    LIMIT (SELECT first * (along = 'account expiry back' AND coalesce(status, '') <> 'open') FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || CASE WHEN (SELECT before IS NULL FROM q) THEN c.n
    ELSE c.at || '/' || c.n END || '"}' AS row
  FROM (SELECT n, at FROM chosen ORDER BY CASE WHEN (SELECT backward FROM q) THEN -at ELSE at END,
    CASE WHEN (SELECT backward FROM q) THEN -n ELSE n END LIMIT (SELECT first FROM q)) c
  CROSS JOIN main.cala_hold_rows_v1 r ON r.n = c.n
)
