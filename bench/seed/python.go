package main

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"path/filepath"

	"github.com/bearerproof/bearerproof/bench/internal/process"
)

const systemPython = "python3"

// installPython makes a virtual environment with the packages of requirements.txt,
// and returns its Python.
func installPython(ctx context.Context, dir string) (string, error) {
	venv := filepath.Join(dir, "venv")
	if _, err := process.Output(ctx, dir, nil, systemPython, "-m", "venv", venv); err != nil {
		return "", err
	}
	python := filepath.Join(venv, "bin", "python")
	_, err := process.Output(ctx, dir, nil, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	return python, err
}

// versions are those of Python and of the packages that do the work.
type versions struct {
	Python   string            `json:"python"`
	Packages map[string]string `json:"packages"`
}

const printVersions = `
import importlib.metadata, json, platform, sys
print(json.dumps({"python": platform.python_version(), "packages": {name: importlib.metadata.version(name) for name in sys.argv[1:]}}))
`

func readVersions(ctx context.Context, python string) (v versions, err error) {
	text, err := process.Output(ctx, "", nil, python, append([]string{"-c", printVersions}, measuredPackages()...)...)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, fmt.Errorf("the versions of Python's packages: %w", err)
	}
	return v, nil
}

// measuredPackages are those that have a part in each request.
func measuredPackages() []string {
	return []string{"fastapi", "uvicorn", "uvloop", "httptools", "httpx", "python-jose", "cryptography"}
}
