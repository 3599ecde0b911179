package resilience

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	booted := time.Now()
	synctest.Test(t, func(t *testing.T) {
		c := newClock(booted)
		for _, ahead := range []time.Duration{0, time.Hour, -25 * time.Hour, 0} {
			c.set(ahead)
			before := c.now()
			time.Sleep(time.Minute)
			after := c.now()
			if passed := after.Sub(before); passed != time.Minute {
				t.Errorf("%v ahead: a minute took %v", ahead, passed)
			}
			passed := time.Since(c.started)
			if monotonic, wall := after.Sub(booted), after.Round(0).Sub(booted.Round(0)); monotonic != passed || wall != passed+ahead {
				t.Errorf("%v ahead, after %v: the monotonic clock shows %v, and the wall clock %v", ahead, passed, monotonic, wall)
			}
		}
	})
}
