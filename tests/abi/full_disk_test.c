/* A disk that runs full under the store: the posting is refused, nothing of it is written, and the ledger goes on when
 * there is room again; a limit on files does the same. The disk is a small tmpfs in a mount namespace of this process's
 * own; without the right to mount, the tests skip. PostgreSQL has a cluster of its own on it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ledger_fixture.h"

static char disk[64];

static int mount_small_disk(const char *options) {
  snprintf(disk, sizeof disk, "/tmp/cala-full-disk-XXXXXX");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return 0;
  if (mkdtemp(disk) == NULL) return 0;
  if (mount("tmpfs", disk, "tmpfs", 0, options) == 0) return 1;
  rmdir(disk);
  return 0;
}

static void fill_up(const char *path) {
  static const char block[4096];
  const int file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  while (write(file, block, sizeof block) > 0) continue;
  assert_int_equal(errno, ENOSPC);
  close(file);
}

/* Nothing may keep the folder, not even a descriptor that is still open. */
static void unmount_small_disk(void) {
  assert_int_equal(umount2(disk, MNT_DETACH), 0);
  assert_int_equal(rmdir(disk), 0);
}

/* Posts until the disk is full, then makes room and posts again. */
static void fill_and_recover(cala_ledger *ledger) {
  char filler[128];
  const struct book_step *step;
  long posted = 1;
  cala_status status = CALA_OK;
  snprintf(filler, sizeof filler, "%s/filler", disk);
  for (step = books_steps; step->operation != NULL; ++step) succeed(ledger, NULL, step->operation, step->request);
  transfer(ledger, NULL, "1");
  fill_up(filler);
  /* The last page in use may still have room. */
  while (status == CALA_OK && posted < 10000) {
    cala_error *error = NULL;
    cala_op *op = make_transfer(ledger, NULL, "1");
    status = cala_op_run(op, -1, &error);
    if (status == CALA_OK) {
      posted += 1;
    } else {
      assert_string_equal(cala_error_code(error), "store.full");
    }
    cala_error_free(error);
    cala_op_free(op);
  }
  assert_int_equal(status, CALA_UNAVAILABLE);
  assert_int_equal(count_of(ledger, "transactions"), posted);
  assert_int_equal(units_of(ledger, NULL, BOB), posted);
  assert_int_equal(unlink(filler), 0);
  transfer(ledger, NULL, "1");
  assert_int_equal(count_of(ledger, "transactions"), posted + 1);
  assert_int_equal(units_of(ledger, NULL, BOB), posted + 1);
}

static void a_full_disk_refuses_postings_on_sqlite(void **state) {
  char config[256];
  cala_ledger *ledger;
  (void)state;
  if (!mount_small_disk("size=4m")) skip();
  snprintf(config, sizeof config, "{\"store\": \"sqlite:%s/ledger.db\"}", disk);
  ledger = open_ledger(config);
  fill_and_recover(ledger);
  cala_ledger_free(ledger);
  unmount_small_disk();
}

static void cluster(const char *words, char *answer, size_t size) {
  char command[400];
  FILE *output;
  snprintf(command, sizeof command, "TMPDIR=%s '%s/tests/postgres_cluster.sh' %s", disk, CALA_SOURCE_DIR, words);
  output = popen(command, "r");
  assert_non_null(output);
  if (fgets(answer, (int)size, output) == NULL) answer[0] = '\0';
  answer[strcspn(answer, "\n")] = '\0';
  assert_int_equal(pclose(output), 0);
}

static void a_full_disk_refuses_postings_on_postgres(void **state) {
  char words[200];
  char connection[300];
  char config[400];
  cala_ledger *ledger;
  (void)state;
  if (!mount_small_disk("size=160m,mode=755")) skip();
  snprintf(words, sizeof words, "start %s/state", disk);
  cluster(words, connection, sizeof connection);
  snprintf(words, sizeof words, "connection %s/state full", disk);
  cluster(words, connection, sizeof connection);
  snprintf(config, sizeof config, "{\"store\": \"%s\", \"migrate\": true}", connection);
  ledger = open_ledger(config);
  fill_and_recover(ledger);
  cala_ledger_free(ledger);
  snprintf(words, sizeof words, "stop %s/state", disk);
  cluster(words, connection, sizeof connection);
  unmount_small_disk();
}

/* What the limit raises by default ends the process; the caller's own thread, on which cala_op_run may work, never gets
 * it. */
static void a_file_that_may_not_grow_refuses_postings(void **state) {
  char folder[] = "/tmp/cala-file-limit-XXXXXX";
  char config[128];
  char path[128];
  const char *const files[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm"};
  struct rlimit usual;
  struct rlimit small;
  sigset_t pending;
  const struct book_step *step;
  cala_ledger *ledger;
  cala_status status = CALA_OK;
  long posted = 0;
  size_t i;
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(config, sizeof config, "{\"store\": \"sqlite:%s/ledger.db\"}", folder);
  ledger = open_ledger(config);
  for (step = books_steps; step->operation != NULL; ++step) succeed(ledger, NULL, step->operation, step->request);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
  small = usual;
  small.rlim_cur = 600 * 1024;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  while (status == CALA_OK && posted < 10000) {
    cala_op *op = make_transfer(ledger, NULL, "1");
    status = cala_op_run(op, -1, NULL);
    if (status == CALA_OK) posted += 1;
    cala_op_free(op);
  }
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
  assert_int_not_equal(status, CALA_OK);
  assert_int_equal(sigpending(&pending), 0);
  assert_int_equal(sigismember(&pending, SIGXFSZ), 0);
  assert_int_equal(count_of(ledger, "transactions"), posted);
  transfer(ledger, NULL, "1");
  assert_int_equal(units_of(ledger, NULL, BOB), posted + 1);
  cala_ledger_free(ledger);
  for (i = 0; i < sizeof files / sizeof *files; ++i) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    unlink(path);
  }
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_that_may_not_grow_refuses_postings),
      cmocka_unit_test(a_full_disk_refuses_postings_on_sqlite),
      cmocka_unit_test(a_full_disk_refuses_postings_on_postgres),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
