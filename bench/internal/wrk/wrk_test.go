package wrk

import (
	"slices"
	"testing"
	"time"
)

// What wrk 4.1.0 printed.
const (
	wrkGood = `Running 2s test @ http://127.0.0.1:18099/
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    43.58ms    6.62ms  49.14ms   97.78%
    Req/Sec    90.10     17.95   121.00     75.00%
  Latency Distribution
     50%  843.00us
     75%   44.03ms
     90%   47.93ms
     99%    1.02s 
  180 requests in 2.10s, 21.43KB read
Requests/sec:     89.79
Transfer/sec:     10.69KB
`
	wrkStatuses = `  Latency Distribution
     50%   43.96ms
     75%   44.03ms
     90%   47.93ms
     99%   48.83ms
  180 requests in 1.02m, 21.43KB read
  Non-2xx or 3xx responses: 60
Requests/sec:     89.79
`
	wrkSockets = `  Latency Distribution
     50%   43.96ms
     75%   44.03ms
     90%   47.93ms
     99%   48.83ms
  7 requests in 3.10s, 0.00B read
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 2
Requests/sec:      0.00
`
	wrkNothing = `  Latency Distribution
     50%    0.00us
     75%    0.00us
     90%    0.00us
     99%    0.00us
  0 requests in 3.10s, 0.00B read
  Socket errors: connect 0, read 66366, write 0, timeout 0
`
)

func TestParseOutcome(t *testing.T) {
	tests := map[string]struct {
		printed string
		want    Outcome
	}{
		"all answered": {wrkGood, Outcome{180, 2100 * time.Millisecond, 843 * time.Microsecond, 1020 * time.Millisecond, 0, 0}},
		"refused":      {wrkStatuses, Outcome{180, 61200 * time.Millisecond, 43960 * time.Microsecond, 48830 * time.Microsecond, 60, 0}},
		"none":         {wrkNothing, Outcome{0, 3100 * time.Millisecond, 0, 0, 66366, 0}},
		"broken":       {wrkSockets, Outcome{7, 3100 * time.Millisecond, 43960 * time.Microsecond, 48830 * time.Microsecond, 4323, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := parseOutcome(tt.printed); err != nil || got != tt.want {
				t.Errorf("parseOutcome() = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseOutcomeRefuses(t *testing.T) {
	for name, printed := range map[string]string{
		"nothing":             "",
		"no latencies":        "  180 requests in 2.10s, 21.43KB read\n",
		"no total":            "     50%   43.96ms\n     99%   48.83ms\n",
		"half of the latency": "     50%   43.96ms\n  180 requests in 2.10s, 21.43KB read\n",
		"another unit":        "     50%   43.96ly\n     99%   48.83ms\n  180 requests in 2.10s, 21.43KB read\n",
		"too many":            "     50%   43.96ms\n     99%   48.83ms\n  99999999999999999999 requests in 2.10s, 21.43KB read\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := parseOutcome(printed); err == nil || got != (Outcome{}) {
				t.Errorf("parseOutcome() = %+v, %v, want an error", got, err)
			}
		})
	}
}

// wrk takes the URL before the arguments of a script.
func TestArguments(t *testing.T) {
	tests := map[string]struct{ request, want []string }{
		"token":  {Token("t"), []string{"-H", "Authorization: Bearer t", "url"}},
		"script": {Script("s", "a"), []string{"-s", "s", "url", "--", "a"}},
	}
	for name, tt := range tests {
		if got := arguments("url", tt.request); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
