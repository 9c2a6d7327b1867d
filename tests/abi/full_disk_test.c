/* A disk that runs full under the embedded store: the posting is refused, nothing of it is written, and the ledger goes on when there
 * is room again. The disk is a small tmpfs in a mount namespace of this process's own; without the right to mount, the test skips. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ledger_fixture.h"

static char disk[64];

static int mount_small_disk(void) {
  snprintf(disk, sizeof disk, "/tmp/cala-full-disk-XXXXXX");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return 0;
  if (mkdtemp(disk) == NULL) return 0;
  if (mount("tmpfs", disk, "tmpfs", 0, "size=4m") == 0) return 1;
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

static void a_full_disk_refuses_postings_and_loses_nothing(void **state) {
  char config[256];
  char filler[128];
  const struct book_step *step;
  cala_ledger *ledger;
  long posted = 0;
  cala_status status = CALA_OK;
  (void)state;
  if (!mount_small_disk()) skip();
  snprintf(config, sizeof config, "{\"store\": \"sqlite:%s/ledger.db\"}", disk);
  snprintf(filler, sizeof filler, "%s/filler", disk);
  ledger = open_ledger(config);
  for (step = books_steps; step->operation != NULL; ++step) succeed(ledger, NULL, step->operation, step->request);
  transfer(ledger, NULL, "1");
  posted = 1;
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
  cala_ledger_free(ledger);
  umount(disk);
  rmdir(disk);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk_refuses_postings_and_loses_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
