-- Balances move with the posting, so nothing is behind but listeners:
-- the one that is furthest, with what it has before it.
SELECT json_object('missing', (
    SELECT group_concat(t.column1, ', ') FROM (VALUES
      ('cala_account_set_ancestors'), ('cala_account_set_members'), ('cala_accounts'), ('cala_balances'),
      ('cala_effective_balances'), ('cala_effective_entries'), ('cala_entries'), ('cala_hold_accounts'),
      ('cala_holds'), ('cala_journals'), ('cala_ledger'), ('cala_listeners'), ('cala_migrations'),
      ('cala_outbox_events'), ('cala_outbox_state'), ('cala_transactions'), ('cala_tx_templates'),
      ('cala_velocity_attachments'), ('cala_velocity_balances'), ('cala_velocity_control_limits'),
      ('cala_velocity_controls'), ('cala_velocity_limits')) t
    WHERE NOT EXISTS (SELECT 1 FROM main.sqlite_master m WHERE m.type = 'table' AND m.name = t.column1)),
  'rollup_behind', 0, 'prepared', json_object('count', 0), 'listeners', (SELECT count(*) FROM main.cala_listeners),
  'listener', json((SELECT json_object('name', l.name,
      'behind', max((SELECT coalesce(max(e.sequence), 0) FROM main.cala_outbox_events e) - l.place, 0),
      'waiting_since', (SELECT e.recorded_at FROM main.cala_outbox_events e WHERE e.sequence > l.place
        ORDER BY e.sequence LIMIT 1))
    FROM main.cala_listeners l ORDER BY l.place, l.name LIMIT 1)))
WHERE ? IS NOT NULL
