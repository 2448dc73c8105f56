package main_test

import (
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, args := range []string{"-h", "all -h", "sum -help", "tasks -limit 1s -h"} {
		got := run(t.Context(), strings.Fields(args)...)
		if got.code != 0 || got.stderr != "" {
			t.Errorf("timeouts %s: exit code %d, standard error %q; want 0 and none", args, got.code, got.stderr)
		}
		for _, text := range []string{"  sum ", "  shared ", "  handle ", "  tasks ", "Exit codes:", "  -first ", "  -second ", "  -limit ", "  -fail "} {
			if n := len(got.lines(text)); n != 1 {
				t.Errorf("timeouts %s: %d lines with %q, want 1\n%s", args, n, text, got.stdout)
			}
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	const urls = `: sum and shared take two URLs, after the flags`
	for args, want := range map[string]string{
		"sums":                               `there is no scene "sums"`,
		"http://a.test http://b.test":        `there is no scene "http://a.test"`,
		"sum shared":                         `unexpected arguments ["shared"]` + urls,
		"sum http://a.test":                  `unexpected arguments ["http://a.test"]` + urls,
		"sum http://a.test http://b.test x":  `unexpected arguments ["http://a.test" "http://b.test" "x"]` + urls,
		"handle http://a.test http://b.test": `unexpected arguments ["http://a.test" "http://b.test"]` + urls,
		"all http://a.test http://b.test":    `unexpected arguments ["http://a.test" "http://b.test"]` + urls,
		"shared -limit 0s":                   `-limit must be positive, -first and -second must not be negative`,
		"shared -limit -1s":                  `-limit must be positive, -first and -second must not be negative`,
		"sum -first -1s":                     `-limit must be positive, -first and -second must not be negative`,
		"sum -second -1s":                    `-limit must be positive, -first and -second must not be negative`,
		"handle -fail -1":                    `-fail -1: must be one of the 40 requests, or 0`,
		"handle -fail 41":                    `-fail 41: must be one of the 40 requests, or 0`,
		"-limit soon":                        `invalid value "soon" for flag -limit: parse error`,
		"-limit 1s sum":                      `scene sum after flags: it must come before them`,
		"sum http://a.test -limit 1s":        `-limit after "http://a.test": flags must come before the URLs; after -- nothing is a flag`,
		"-work 1s":                           `flag provided but not defined: -work`,
	} {
		want = "timeouts: " + want + "\nRun timeouts -h for help.\n"
		run(t.Context(), strings.Fields(args)...).expect(t, "timeouts "+args, 2, "", want)
	}
}
