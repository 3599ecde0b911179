package main

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// What the manifests set is checked here by the program itself; deploy/ checks the
// rest of them.
func TestKubernetesGivesSettingsThatAreRight(t *testing.T) {
	var config struct {
		Data map[string]string `yaml:"data"`
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Grace      int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Env []struct {
							Name string `yaml:"name"`
						} `yaml:"env"`
					} `yaml:"containers"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	for name, into := range map[string]any{"configmap": &config, "deployment": &deployment} {
		text, err := os.ReadFile("deploy/kubernetes/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	pod := deployment.Spec.Template.Spec
	for _, variable := range pod.Containers[0].Env {
		if variable.Name == "TODO_DATABASE_URL" {
			config.Data[variable.Name] = "postgres://todo:secret@db.example.com/todo"
		}
	}
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(config.Data)) {
		environ = append(environ, name+"="+config.Data[name])
	}
	s, err := readSettings(environ)
	if err != nil {
		t.Fatal(err)
	}
	if s.databaseURL == "todo.db" || s.insecureHTTP {
		t.Errorf("the pods have the settings %+v", s)
	}
	if grace, patience := time.Duration(pod.Grace)*time.Second, s.stopDelay+drainLimit; grace <= patience {
		t.Errorf("a pod is killed after %v, and may need %v to stop", grace, patience)
	}
}
