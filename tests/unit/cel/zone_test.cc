#include "cel/zone.h"

#include <gtest/gtest.h>

namespace cala::cel {
namespace {

constexpr std::int64_t kWinter = 1736942400;  // 2025-01-15T12:00:00Z
constexpr std::int64_t kSummer = 1752580800;  // 2025-07-15T12:00:00Z

TEST(Zone, KnowsOffsetsAndUtc) {
  EXPECT_EQ(zone_offset("UTC", kWinter), 0);
  EXPECT_EQ(zone_offset("+05:30", kWinter), 19800);
  EXPECT_EQ(zone_offset("-02:00", kWinter), -7200);
  EXPECT_EQ(zone_offset("02:00", kWinter), 7200);
  EXPECT_EQ(zone_offset("24:00", kWinter), std::nullopt);
  EXPECT_EQ(zone_offset("+1:60", kWinter), std::nullopt);
}

#ifdef CALA_IANA_ZONES
TEST(Zone, FollowsTheRulesOfItsName) {
  EXPECT_EQ(zone_offset("Europe/Paris", kWinter), 3600);
  EXPECT_EQ(zone_offset("Europe/Paris", kSummer), 7200);
  EXPECT_EQ(zone_offset("America/St_Johns", kWinter), -12600);
}
#else
TEST(Zone, KnowsNoNamesWithoutTheBuildOption) { EXPECT_EQ(zone_offset("Europe/Paris", kWinter), std::nullopt); }
#endif

TEST(Zone, RefusesWhatIsNoZone) {
  for (const char *name : {"Mars/Base", "/etc/passwd", "../../../etc/passwd", "Europe", "nowhere", "posixrules\n"}) {
    EXPECT_EQ(zone_offset(name, kSummer), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace cala::cel
