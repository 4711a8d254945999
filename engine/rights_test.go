package engine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// accessDenied is ClickHouse's code for a right that a user lacks.
const accessDenied = 497

// denied reports whether a statement fails for want of a right.
func denied(t *testing.T, conn driver.Conn, statement string) bool {
	t.Helper()
	err := conn.Exec(t.Context(), statement)
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && exception.Code == accessDenied {
		return true
	}
	t.Logf("%s: %v", statement, err)
	return false
}

func names(t *testing.T, conn driver.Conn, query string) []string {
	t.Helper()
	var got []string
	if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}

// Every table function is one that stays inside, or is refused. One that a later ClickHouse adds has to be entered
// here.
func TestRights_TableFunctions(t *testing.T) {
	conn := open(t, startClickHouse(t, Config{Dir: t.TempDir(),
		rights: []string{"SELECT ON system.table_functions"}}).DSN())
	inside := strings.Fields(`SQLStandardValues dictionary eval format fuzzJSON fuzzQuery generateRandom generateSeries generate_series input loop merge
		mergeTreeAnalyzeIndexes mergeTreeAnalyzeIndexesUUID mergeTreeIndex mergeTreeProjection
		mergeTreeTextIndex null numbers numbers_mt primes
		prometheusQuery prometheusQueryRange timeSeriesData timeSeriesMetrics timeSeriesSamples
		timeSeriesSelector timeSeriesTags
		values view viewExplain viewIfPermitted zeros zeros_mt`)
	const s3, hdfs, azure, files = "('http://127.0.0.1:1/bucket/k', 'a', 'b', 'TSV', 'n UInt8')",
		"('hdfs://127.0.0.1:1/x', 'TSV', 'n UInt8')",
		"('http://127.0.0.1:1/', 'c', 'b', 'a', 'YQ==', 'TSV', 'auto', 'n UInt8')",
		"('/etc/passwd', 'LineAsString', 's String')"
	outside := map[string]string{
		"file": files, "filesystem": "('/etc')",
		"url": "('http://127.0.0.1:1/', 'TSV', 'n UInt8')",
		"s3":  s3, "gcs": s3, "oss": s3, "cosn": s3,
		"hdfs":             hdfs,
		"azureBlobStorage": azure,
		"remote":           "('127.0.0.1:1', system.one)", "remoteSecure": "('127.0.0.1:1', system.one)",
		"mysql": "('127.0.0.1:1', 'd', 't', 'u', 'p')", "postgresql": "('127.0.0.1:1', 'd', 't', 'u', 'p')",
		"mongodb": "('127.0.0.1:1', 'd', 't', 'u', 'p', 'n UInt8')", "redis": "('127.0.0.1:1', 'n', 'n UInt8')",
		"odbc": "('DSN=x', 'd', 't')", "jdbc": "('x', 'd', 't')",
	}
	// These look for a script, a cluster, a file or metadata before they ask for a right, and there is none.
	nothingThere := func(name string) bool {
		return slices.Contains([]string{"executable", "cluster", "clusterAllReplicas", "sqlite"}, name) ||
			strings.HasSuffix(name, "Cluster") ||
			slices.ContainsFunc([]string{"iceberg", "deltaLake", "hudi", "paimon", "ytsaurus"},
				func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	for _, name := range names(t, conn, "SELECT groupArray(name) FROM system.table_functions") {
		arguments, known := outside[name]
		switch {
		case slices.Contains(inside, name):
		case known:
			if !denied(t, conn, "SELECT * FROM "+name+arguments) {
				t.Errorf("user kaskad may read with %s", name)
			}
			if !denied(t, conn, "CREATE TABLE outside AS "+name+arguments) {
				t.Errorf("user kaskad may make a table of %s", name)
			}
		case nothingThere(name):
			for _, arguments := range []string{"('/etc/passwd', 'TSV', 'n UInt8')",
				"('http://127.0.0.1:1/bucket/k', 'a', 'b')", "('default', system.one)"} {
				if err := conn.Exec(t.Context(), "SELECT * FROM "+name+arguments); err == nil {
					t.Errorf("user kaskad may read with %s%s", name, arguments)
				}
			}
		default:
			t.Errorf("nobody has said whether table function %s reaches out of the database", name)
		}
	}
}

// User kaskad may use the engines that the schema has, and no others.
func TestRights_Engines(t *testing.T) {
	conn := open(t, startClickHouse(t, Config{Dir: t.TempDir(), rights: []string{
		"SELECT ON system.table_engines", "SELECT ON system.database_engines",
		"CREATE DATABASE, DROP DATABASE ON kaskad_other.*",
	}}).DSN())
	for _, name := range names(t, conn, "SELECT groupArray(name) FROM system.table_engines") {
		switch name {
		case "MergeTree", "ReplacingMergeTree", "AggregatingMergeTree", "CollapsingMergeTree", "EmbeddedRocksDB",
			"Memory",
			"Null", "View",
			"MaterializedView":
			continue
		}
		if err := conn.Exec(t.Context(),
			fmt.Sprintf("CREATE TABLE other (n UInt8) ENGINE = %s('/etc/passwd')", name)); err == nil {
			t.Errorf("user kaskad may use table engine %s", name)
		}
	}
	for _, statement := range []string{
		"CREATE TABLE other (n UInt8) ENGINE = File(TSV)",
		"CREATE TABLE other (n UInt8) ENGINE = URL('http://127.0.0.1:1/', TSV)",
		"CREATE TABLE other (n UInt8) ENGINE = Executable('x', TSV)",
		"CREATE TABLE other (n UInt8) ENGINE = Distributed('default', system, one)",
	} {
		if !denied(t, conn, statement) {
			t.Errorf("user kaskad may %s", statement)
		}
	}
	for _, name := range names(t, conn, "SELECT groupArray(name) FROM system.database_engines") {
		if err := conn.Exec(t.Context(),
			fmt.Sprintf("CREATE DATABASE kaskad_other ENGINE = %s('/etc')", name)); err == nil {
			t.Errorf("user kaskad may use database engine %s", name)
		}
	}
}

func TestRights_WhatReachesOut(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := open(t, startClickHouse(t, Config{Dir: dir}).DSN())
	exec1(t, conn, "CREATE TABLE facts (n UInt64) ENGINE = MergeTree ORDER BY n")
	refused := []string{
		"SELECT 1 FORMAT Template SETTINGS format_template_row = '" + secret + "'",
		"SELECT 1 FORMAT Template SETTINGS format_template_resultset = '" + secret + "'",
		"SELECT * FROM format(Protobuf, 'n UInt8', 'x') SETTINGS format_schema = '" + secret + ":x'",
		"SELECT * FROM format(AvroConfluent, 'n UInt8', 'x') SETTINGS format_avro_schema_registry_url = " +
			"'http://127.0.0.1:1'",
		"SET format_schema = '" + secret + "'",
		"CREATE TABLE other (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS disk = disk(type = web, endpoint = " +
			"'http://127.0.0.1:1/')",
		"CREATE TABLE other (n UInt8) ENGINE = MergeTree ORDER BY n SETTINGS disk = disk(type = local, path = '/tmp/')",
		"ALTER TABLE facts MODIFY SETTING disk = disk(type = web, endpoint = 'http://127.0.0.1:1/')",
		"ATTACH TABLE other FROM '/tmp/' (n UInt8) ENGINE = MergeTree ORDER BY n",
		"CREATE DICTIONARY d (n UInt64, s String) PRIMARY KEY n SOURCE(FILE(path '/etc/passwd' format 'TSV')) " +
			"LAYOUT(FLAT()) LIFETIME(0)",
		"CREATE DICTIONARY d (n UInt64, s String) PRIMARY KEY n SOURCE(EXECUTABLE(command 'id' format 'TSV')) " +
			"LAYOUT(FLAT()) LIFETIME(0)",
		"CREATE DICTIONARY d (n UInt64, s String) PRIMARY KEY n SOURCE(HTTP(url 'http://127.0.0.1:1/' format 'TSV')) " +
			"LAYOUT(FLAT()) LIFETIME(0)",
		"CREATE FUNCTION f AS x -> x",
		"CREATE NAMED COLLECTION n AS a = 1",
		"CREATE VIEW other SQL SECURITY NONE AS SELECT * FROM file('/etc/passwd', LineAsString)",
		"CREATE VIEW other DEFINER = default SQL SECURITY DEFINER AS SELECT 1",
		"BACKUP TABLE facts TO File('/tmp/backup')", "BACKUP TABLE facts TO Disk('default', 'backup')",
		"SELECT catboostEvaluate('/etc/passwd', 1.0)", "SELECT addressToLine(1::UInt64)",
		"SELECT * FROM executable('id', 'TSV', 's String')",
		"DESCRIBE file('/etc/passwd')", "EXPLAIN SELECT * FROM file('/etc/passwd', LineAsString)",
		"SELECT * FROM loop(file('/etc/passwd', LineAsString))",
		"SELECT * FROM eval('SELECT * FROM file(''/etc/passwd'', LineAsString)') SETTINGS " +
			"allow_experimental_eval_table_function = 1",
		"SELECT * FROM system.users", "SELECT * FROM system.server_settings", "SELECT * FROM system.stack_trace",
		"SELECT * FROM information_schema.tables",
		"SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM STOP LISTEN TCP", "SYSTEM START LISTEN HTTP", "SYSTEM RELOAD CONFIG",
		"CREATE USER other", "GRANT ALL ON *.* TO kaskad", "ALTER USER kaskad IDENTIFIED WITH no_password",
		"CREATE DATABASE other", "DROP DATABASE kaskad",
		"DROP DATABASE default", "EXECUTE AS default SELECT 1",
	}
	if runtime.GOOS == "linux" { // by Landlock
		shared, err := os.CreateTemp("/dev/shm", "kaskad-test")
		if err != nil {
			t.Fatal(err)
		}
		shared.Close()
		t.Cleanup(func() { os.Remove(shared.Name()) })
		refused = append(refused, "SELECT file('"+shared.Name()+"')",
			"SELECT file('"+secret+"')", "SELECT file('/etc/passwd')",
			"SELECT file('/proc/1/environ')",
			"SELECT file('"+dir+"/../running.json')")
	}
	for _, statement := range refused {
		if err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("user kaskad may %s", statement)
		} else if strings.Contains(err.Error(), "root:") {
			t.Errorf("%s tells: %v", statement, err)
		}
	}
	// What upkeep needs, on the other hand, works.
	for _, statement := range []string{
		"INSERT INTO facts SELECT number FROM system.numbers LIMIT 10", "SYSTEM STOP MERGES facts",
		"SYSTEM START MERGES facts", "SYSTEM STOP MERGES",
		"SYSTEM START MERGES", "OPTIMIZE TABLE facts FINAL", "CHECK TABLE facts", "DETACH TABLE facts",
		"ATTACH TABLE facts",
		"ALTER TABLE facts DETACH PARTITION tuple()",
		"ALTER TABLE facts DROP DETACHED PARTITION ALL SETTINGS allow_drop_detached = 1",
		"ALTER TABLE facts MODIFY SETTING fsync_after_insert = 1", "CREATE TEMPORARY TABLE some (n UInt8)",
		"SELECT * FROM numbers(3)",
		"SELECT name FROM system.detached_parts", "SELECT * FROM system.disks", "SELECT * FROM system.merges",
		"TRUNCATE TABLE facts", "DROP TABLE facts",
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Errorf("user kaskad may not %s: %v", statement, err)
		}
	}
}

// Even with every right ClickHouse stays in its directory and connects to nobody.
func TestJail_HoldsWhateverTheRights(t *testing.T) {
	if runtime.GOOS != "linux" {
		skipOutsideCI(t, "Landlock is Linux's")
	}
	listener, err := listenPlain()
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reached := make(chan net.Addr, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			reached <- conn.RemoteAddr()
			_ = conn.Close()
		}
	}()
	outside := t.TempDir()
	conn := open(t, startClickHouse(t, Config{Dir: t.TempDir(), rights: []string{"ALL ON *.*"}}).DSN())
	for _, statement := range []string{
		"SELECT * FROM file('/etc/passwd', LineAsString)",
		"INSERT INTO FUNCTION file('" + outside + "/written', TSV, 'n UInt8') SELECT 1",
		"SELECT * FROM url('http://" + listener.Addr().String() + "/', TSV, 'n UInt8') SETTINGS http_max_tries = 1",
		"SELECT * FROM remote('" + listener.Addr().String() +
			"', system.one) SETTINGS connections_with_failover_max_tries = 1",
		"BACKUP DATABASE kaskad TO File('" + outside + "/backup')",
	} {
		if err := conn.Exec(t.Context(), statement); err == nil {
			t.Errorf("ClickHouse may %s", statement)
		}
	}
	if written, err := filepath.Glob(outside + "/*"); err != nil || len(written) > 0 {
		t.Errorf("ClickHouse has written %v (%v)", written, err)
	}
	select {
	case from := <-reached:
		t.Errorf("ClickHouse connected from %s", from)
	default:
	}
}
