/* Where a ledger's file may be on Windows, and what is said where PostgreSQL's client library is not there. */
#include "posix.h"

#include "ledger_fixture.h"

#define MUENZEN "M\303\274nzen \342\202\254" /* in UTF-8 */

static wchar_t *of_utf8(const char *text, wchar_t *out, int size) {
  assert_true(MultiByteToWideChar(CP_UTF8, 0, text, -1, out, size) > 0);
  return out;
}

static int is_there(const char *path) {
  wchar_t wide[600];
  return GetFileAttributesW(of_utf8(path, wide, 600)) != INVALID_FILE_ATTRIBUTES;
}

static void post_twice(struct ledger_fixture *fixture) {
  const struct book_step *step;
  cala_ledger *again;
  fixture->ledger = fixture_open_again(fixture, "");
  for (step = books_steps; step->operation != NULL; ++step)
    succeed(fixture->ledger, NULL, step->operation, step->request);
  transfer(fixture->ledger, NULL, "1");
  again = fixture_open_again(fixture, "");
  transfer(again, NULL, "2");
  cala_ledger_free(again);
  assert_int_equal(units_of(fixture->ledger, NULL, BOB), 3);
}

static void a_path_is_utf8(void **state) {
  struct ledger_fixture *fixture = fixture_prepare(STORE_SQLITE);
  (void)state;
  snprintf(fixture->file, sizeof fixture->file, "%s/" MUENZEN ".db", fixture->folder);
  snprintf(fixture->store, sizeof fixture->store, "sqlite:%s", fixture->file);
  post_twice(fixture);
  assert_true(is_there(fixture->file));
  expect_contains(answer_of(fixture->ledger, NULL, cala_ledger_health, "{}"), "\"free_bytes\":");
  cala_ledger_free(fixture->ledger);
  fixture->ledger = NULL;
  {
    wchar_t wide[600];
    assert_true(DeleteFileW(of_utf8(fixture->file, wide, 600)));
  }
}

static void a_path_may_have_a_drive_and_backslashes(void **state) {
  char folder[300];
  char *at;
  struct ledger_fixture *fixture = fixture_prepare(STORE_SQLITE);
  (void)state;
  assert_true(GetFullPathNameA(fixture->folder, sizeof folder, folder, NULL) > 0);
  assert_int_equal(folder[1], ':');
  snprintf(fixture->file, sizeof fixture->file, "%s\\ledger.db", folder);
  strcpy(fixture->store, "sqlite:");
  for (at = fixture->file; *at != '\0'; ++at) strncat(fixture->store, *at == '\\' ? "\\\\" : (char[]){*at, '\0'}, 2);
  post_twice(fixture);
  assert_true(is_there(fixture->file));
}

static void a_ledger_stays_where_it_was_when_the_program_goes_elsewhere(void **state) {
  char before[300];
  struct ledger_fixture *fixture = fixture_prepare(STORE_SQLITE);
  (void)state;
  assert_true(GetCurrentDirectoryA(sizeof before, before) > 0);
  assert_true(SetCurrentDirectoryA(fixture->folder));
  strcpy(fixture->store, "sqlite:ledger.db");
  fixture->ledger = fixture_open_again(fixture, "");
  assert_true(SetCurrentDirectoryA(before));
  succeed(fixture->ledger, NULL, books_steps[0].operation, books_steps[0].request);
  assert_true(is_there(fixture->file));
  assert_false(is_there("ledger.db"));
}

static void expect_told(const char *store, const char *words) {
  char config[700];
  cala_ledger *ledger = NULL;
  cala_error *error = NULL;
  snprintf(config, sizeof config, "{\"store\": \"%s\"}", store);
  assert_int_equal(cala_ledger_open(config, strlen(config), &ledger, &error), CALA_UNAVAILABLE);
  assert_null(ledger);
  assert_string_equal(cala_error_code(error), "store.cannot_open");
  expect_contains(cala_error_message(error), words);
  assert_null(strstr(cala_error_message(error), "nknown error"));
  cala_error_free(error);
}

static void what_is_no_file_is_said(void **state) {
  struct ledger_fixture *fixture = fixture_prepare(STORE_SQLITE);
  char store[600];
  (void)state;
  expect_told("sqlite:Q:/no such folder/ledger.db", "(its folder: ");
  snprintf(store, sizeof store, "sqlite:%s", fixture->folder);
  expect_told(store, "(it is a folder)");
  snprintf(store, sizeof store, "sqlite:%s/" MUENZEN "/ledger.db", fixture->folder);
  expect_told(store, "(its folder: ");
}

static void a_missing_libpq_is_said(void **state) {
  cala_ledger *ledger = NULL;
  cala_error *error = NULL;
  const char *config = "{\"store\": \"postgres://127.0.0.1:1/nowhere\"}";
  (void)state;
  if (LoadLibraryA("libpq.dll") != NULL) {
    print_message("there is a libpq here\n");
    skip();
  }
  expect_error(cala_ledger_open(config, strlen(config), &ledger, &error), error, CALA_UNAVAILABLE,
               "store.libpq_missing");
  assert_null(ledger);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(a_path_is_utf8, fixture_teardown),
      cmocka_unit_test_teardown(a_path_may_have_a_drive_and_backslashes, fixture_teardown),
      cmocka_unit_test_teardown(a_ledger_stays_where_it_was_when_the_program_goes_elsewhere, fixture_teardown),
      cmocka_unit_test_teardown(what_is_no_file_is_said, fixture_teardown),
      cmocka_unit_test(a_missing_libpq_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
