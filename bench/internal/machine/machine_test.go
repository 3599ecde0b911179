package machine

import (
	"slices"
	"testing"
)

func TestCPUModel(t *testing.T) {
	const cpuinfo = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\nmodel name\t: other\n"
	if got := cpuModel(cpuinfo); got != "AMD EPYC" {
		t.Errorf("cpuModel() = %q", got)
	}
	if got := cpuModel("processor\t: 0\nBogoMIPS\t: 50.00\n"); got != "a processor without a name" {
		t.Errorf("cpuModel() of one without a name = %q", got)
	}
}

func TestFirstFields(t *testing.T) {
	if got := firstFields("0.10 0.20 0.30 2/148 25760\n", 3); !slices.Equal(got, []string{"0.10", "0.20", "0.30"}) {
		t.Errorf("firstFields() = %q", got)
	}
	if got := firstFields("", 3); len(got) != 0 {
		t.Errorf("firstFields() of nothing = %q", got)
	}
}
