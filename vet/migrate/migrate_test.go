package migrate_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/trellis-go/trellis/vet/internal/fixture"
	"github.com/trellis-go/trellis/vet/migrate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGroups(t *testing.T) { fixture.Fix(t, migrate.Analyzer, "migrate") }

func TestGroupsThatStay(t *testing.T) { fixture.Run(t, migrate.Analyzer, "migraterefuse") }

func TestGroupsWithLimits(t *testing.T) { fixture.Fix(t, migrate.Analyzer, "migrateslots") }

func TestLocalFunctions(t *testing.T) { fixture.Fix(t, migrate.Analyzer, "migratelocals") }

func TestLimits(t *testing.T) { fixture.Fix(t, migrate.Analyzer, "migratelimits") }

func TestFirst(t *testing.T) {
	if err := migrate.Analyzer.Flags.Set("first", "true"); err != nil {
		t.Fatal(err)
	}
	defer migrate.Analyzer.Flags.Set("first", "false")
	fixture.Fix(t, migrate.Analyzer, "migratefirst")
	fixture.Run(t, migrate.Analyzer, "migratefirststays")
}

func TestLoops(t *testing.T) { fixture.Fix(t, migrate.Analyzer, "migrateloops") }

// Files and modules that keep the import decide for the package.
func TestDropInThatStays(t *testing.T) {
	fixture.Run(t, migrate.Analyzer, "migrategenerated", "migrateforeign/callback", "migrateforeign/interface", "migrateforeign/options", "migratedot")
}
