-- SQLite prepares no transactions.
SELECT json_object('rows', json_array()) FROM (SELECT ? AS d)
