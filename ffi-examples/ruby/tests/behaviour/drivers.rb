# frozen_string_literal: true

# One program's way to a database for each driver, so that the same behaviours can be asked of all of them.
#   handle         what Ledger#in takes
#   transaction    BEGIN, the block, COMMIT; ROLLBACK when it raises
#   execute        a statement; value: the first column of the first row
#   refused        what the program sees when the database says no; driver_refused: what the driver itself raises
#   statements     the driver's object and method that each of the library's statements passes

# gem pg
class PgDriver
  attr_reader :handle

  def initialize(url, table)
    require "pg"
    @handle = PG.connect(url)
    @handle.set_notice_processor { nil }
    @table = table
  end

  def transaction(mode = "")
    execute("BEGIN #{mode}")
    value = yield handle
    done = true
    value
  ensure # not rescue: Timeout leaves the block by throw
    execute(done ? "COMMIT" : "ROLLBACK")
  end

  def execute(sql)
    handle.exec(sql)
  end

  def value(sql)
    execute(sql).getvalue(0, 0)
  end

  def insert
    execute("INSERT INTO #{@table} (note) VALUES ('tea')")
  end

  def count
    value("SELECT count(*) FROM #{@table}").to_i
  end

  def refused
    PG::Error
  end

  def driver_refused
    refused
  end

  def statements
    [handle, :exec_params]
  end

  def close
    handle.close
  end
end

# gem sqlite3
class SqliteDriver < PgDriver
  def initialize(path, table) # rubocop:disable Lint/MissingSuper -- another database
    require "sqlite3"
    @handle = SQLite3::Database.new(path)
    @handle.busy_timeout(2000)
    @table = table
  end

  def execute(sql)
    handle.execute(sql)
  end

  def value(sql)
    handle.get_first_value(sql)
  end

  def refused
    SQLite3::Exception
  end

  def statements
    [handle, :prepare]
  end
end

# Active Record, on a connection of its own for each driver
class RecordDriver
  # A URL that names a socket's folder as its host is one for libpq, but none for Active Record.
  def self.of_url(url)
    require "pg"
    parts = PG::Connection.conninfo_parse(url).to_h { |part| [part[:keyword].to_sym, part[:val]] }
    { adapter: "postgresql", host: parts[:host], port: parts[:port], username: parts[:user],
     database: parts[:dbname] }.compact
  end

  def initialize(config, table)
    require "active_record"
    @table = table
    @record = Class.new(ActiveRecord::Base) { self.abstract_class = true }
    self.class.const_set(:"Record#{@record.object_id}", @record)
    @record.establish_connection(config)
    @order = Class.new(@record) { self.table_name = table }
  end

  def handle
    @record.connection
  end

  # mode: "ISOLATION LEVEL REPEATABLE READ", "READ ONLY"
  def transaction(mode = "")
    isolation = mode[/ISOLATION LEVEL (.*)/, 1]&.downcase&.tr(" ", "_")&.to_sym
    @record.transaction(isolation: isolation) do
      @record.connection_pool.with_connection do |connection|
        connection.execute("SET TRANSACTION READ ONLY") if mode == "READ ONLY"
        yield connection
      end
    end
  end

  # Whether the thread keeps a connection of the pool.
  def leased?
    @record.connection_pool.active_connection? ? true : false
  end

  def release
    @record.connection_pool.release_connection
  end

  def execute(sql)
    handle.execute(sql)
  end

  def value(sql)
    handle.select_value(sql)
  end

  def insert
    @order.create!(note: "tea")
  end

  def count
    @order.uncached { @order.count }
  end

  def refused
    ActiveRecord::StatementInvalid
  end

  def driver_refused
    handle.adapter_name == "SQLite" ? SQLite3::Exception : PG::Error
  end

  def statements
    [handle.raw_connection, handle.adapter_name == "SQLite" ? :prepare : :exec_params]
  end

  def close
    @record.connection_pool.disconnect!
  end
end
