package main

import (
	"context"
	"time"

	"github.com/bearerproof/bearerproof/bench/internal/machine"
	"github.com/bearerproof/bearerproof/bench/internal/wrk"
)

// about is what the page says of a run.
type about struct {
	Date        string  `json:"date"`
	Rounds      int     `json:"rounds"`
	Length      float64 `json:"length_s"`
	Connections int     `json:"connections"`
	machine.Machine
	Wrk      string   `json:"wrk"`
	Versions versions `json:"versions"`
}

func (s *site) describe(ctx context.Context, o options) about {
	return about{
		Date: time.Now().UTC().Format(time.DateOnly), Rounds: o.rounds, Length: o.load.Length.Seconds(), Connections: o.load.Connections,
		Machine: machine.Here(), Wrk: wrk.Version(ctx), Versions: s.versions,
	}
}
