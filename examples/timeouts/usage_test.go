package main_test

import (
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{ // the flags that are explained
		"-h":        "-at-once -buffer -every -fail -first -hang -limit -requests -second -work",
		"all -h":    "-at-once -buffer -every -fail -first -hang -limit -requests -second -work",
		"sum -help": "-first -limit -second",
		"shared -h": "-first -limit -second",
		"handle -h": "-at-once -buffer -every -fail -requests -work",
		"tasks -h":  "-at-once -buffer -every -fail -hang -requests -work",
	} {
		got := run(t.Context(), strings.Fields(args)...)
		var flags []string
		for _, line := range got.lines("  -") {
			flags = append(flags, strings.Fields(line)[0])
		}
		if flags := strings.Join(flags, " "); got.code != 0 || got.stderr != "" || flags != want {
			t.Errorf("timeouts %s: exit code %d, standard error %q, flags %s; want 0, none, %s", args, got.code, got.stderr, flags, want)
		}
		for _, text := range []string{"  sum ", "  shared ", "  handle ", "  tasks ", "Exit codes:"} {
			if len(got.lines(text)) == 0 {
				t.Errorf("timeouts %s: nothing about %q\n%s", args, text, got.stdout)
			}
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for args, want := range map[string]string{
		"sums":                              `there is no scene "sums"`,
		"http://a.test http://b.test":       `there is no scene "http://a.test"`,
		"sum shared":                        `"shared" is no URL of a web server; flags come before the URLs`,
		"sum http://a.test":                 `1 URLs: want two or none`,
		"sum http://a.test http://b.test x": `"x" is no URL of a web server; flags come before the URLs`,
		"sum ftp://a.test http://b.test":    `"ftp://a.test" is no URL of a web server; flags come before the URLs`,
		"sum http:// http://b.test":         `"http://" is no URL of a web server; flags come before the URLs`,
		"sum http://%zz/ http://b.test":     `parse "http://%zz/": invalid URL escape "%zz"`,
		"handle http://a.test":              `unexpected argument "http://a.test": handle takes no URLs`,
		"all http://a.test http://b.test":   `unexpected argument "http://a.test": all takes no URLs`,
		"-limit 1s http://a.test":           `unexpected argument "http://a.test": all takes no URLs`,
		"shared -limit 0s":                  `-limit 0s: must be positive`,
		"shared -limit -1s":                 `-limit -1s: must be positive`,
		"sum -first -1s":                    `-first -1s: must not be negative`,
		"sum -second -1s":                   `-second -1s: must not be negative`,
		"sum -fail 3":                       `flag provided but not defined: -fail`,
		"handle -hang 3":                    `flag provided but not defined: -hang`,
		"handle -requests 0":                `-requests 0: must be at least 1`,
		"handle -at-once 0":                 `-at-once 0: must be at least 1`,
		"handle -buffer -1":                 `-buffer -1: must not be negative`,
		"handle -every -1s":                 `-every -1s: must not be negative`,
		"handle -work -1s":                  `-work -1s: must not be negative`,
		"handle -fail -1":                   `-fail -1: must be one of the 40 requests, or 0`,
		"handle -requests 24":               `-fail 25: must be one of the 24 requests, or 0`,
		"tasks -hang 41":                    `-hang 41: must be one of the 40 requests, or 0`,
		"tasks -hang -1":                    `-hang -1: must be one of the 40 requests, or 0`,
		"tasks -fail 3":                     `-hang 3: this one fails`,
		"-work soon":                        `invalid value "soon" for flag -work: parse error`,
	} {
		want = "timeouts: " + want + "\nRun timeouts -h for help.\n"
		run(t.Context(), strings.Fields(args)...).expect(t, "timeouts "+args, 2, "", want)
	}
}
