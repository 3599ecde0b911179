package main

import "testing"

func TestPlacesOfWatches(t *testing.T) {
	var w watchers
	for i := range 32 {
		if !w.enter("alice") {
			t.Fatalf("watch %d finds no place", i+1)
		}
	}
	if w.enter("alice") {
		t.Error("there is a place for a watch too many")
	}
	if !w.enter("bob") {
		t.Error("somebody else finds no place")
	}
	w.leave("bob")
	for range 32 {
		w.leave("alice")
	}
	if len(w.count) != 0 { // or it would grow with each user who was ever there
		t.Errorf("without watches it remembers %v", w.count)
	}
}
