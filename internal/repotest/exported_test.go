package repotest

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// A third party's type in an exported declaration would make its major version ours.
func TestCoreExportsNoThirdPartyType(t *testing.T) {
	r := open(t)
	exports := map[string]string{}
	foreign := map[string]bool{}
	var public []string
	for _, p := range r.list(t, "-deps", "-export", "./...") {
		exports[p.ImportPath] = p.Export
		foreign[p.ImportPath] = !p.Standard && p.module() != rootModule
		if p.module() == rootModule && p.Name != "main" && !strings.Contains(p.ImportPath, "/internal/") {
			public = append(public, p.ImportPath)
		}
	}
	if len(public) == 0 {
		t.Fatal("go list named no public package of the core")
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(exports[path])
	})
	for _, path := range public {
		pkg, err := imp.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range exposedTypes(pkg, func(path string) bool { return foreign[path] }) {
			t.Errorf("%s exposes %s", path, found)
		}
	}
}

func TestExposedTypes(t *testing.T) {
	const theirs = `package theirs
type Key struct{}
type Signer interface{ Sign() }`

	tests := map[string]struct {
		source string
		want   []string
	}{
		"none":                    {`type T struct{ n int }; func F(int) error { return nil }`, nil},
		"unexported function":     {`func f(theirs.Key) {}`, nil},
		"unexported field":        {`type T struct{ k theirs.Key }`, nil},
		"unexported method":       {`type T struct{}; func (T) k() theirs.Key { panic(0) }`, nil},
		"parameter":               {`func F(map[string][]*theirs.Key) {}`, []string{"theirs.Key"}},
		"result":                  {`func F() (<-chan [2]theirs.Key, error) { return nil, nil }`, []string{"theirs.Key"}},
		"variable":                {`var V = func() theirs.Key { panic(0) }`, []string{"theirs.Key"}},
		"alias":                   {`type T = theirs.Key`, []string{"theirs.Key"}},
		"defined type's method":   {`type T struct{}; func (*T) M(theirs.Signer) {}`, []string{"theirs.Signer"}},
		"exported field":          {`type T struct{ K theirs.Key }`, []string{"theirs.Key"}},
		"embedded in an exported": {`type T struct{ u }; type u struct{ K theirs.Key }`, []string{"theirs.Key"}},
		"embedded interface":      {`type T interface{ theirs.Signer }`, []string{"theirs.Signer"}},
		"unexported result":       {`func F() u { panic(0) }; type u struct{}; func (u) K() theirs.Key { panic(0) }`, []string{"theirs.Key"}},
		"constraint":              {`func F[T theirs.Signer]() {}`, []string{"theirs.Signer"}},
		"type argument":           {`type L[T any] []T; func F() L[theirs.Key] { return nil }`, []string{"theirs.Key"}},
	}
	foreign := func(path string) bool { return path == "theirs" }
	dep := check(t, "theirs", theirs, nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pkg := check(t, "ours", "package ours\nimport \"theirs\"\nvar _ theirs.Key\n"+tt.source, dep)
			if got := exposedTypes(pkg, foreign); !slices.Equal(got, tt.want) {
				t.Errorf("exposed types %q, want %q", got, tt.want)
			}
		})
	}
}

// check type-checks a package whose only import, if any, is dep.
func check(t *testing.T, path, source string, dep *types.Package) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path+".go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: only{dep}}
	pkg, err := conf.Check(path, fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

type only struct{ pkg *types.Package }

func (o only) Import(path string) (*types.Package, error) {
	if o.pkg == nil || path != o.pkg.Path() {
		return nil, fmt.Errorf("unexpected import of %q", path)
	}
	return o.pkg, nil
}

// exposedTypes names the types of foreign packages that a user of pkg can
// reach through its exported declarations, sorted.
func exposedTypes(pkg *types.Package, foreign func(path string) bool) []string {
	e := exposure{foreign: foreign, seen: map[types.Type]bool{}}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		if obj := scope.Lookup(name); obj.Exported() {
			e.walk(obj.Type())
		}
	}
	slices.Sort(e.found)
	return slices.Compact(e.found)
}

// exposure follows types to everything that their user can name or hold.
type exposure struct {
	foreign func(path string) bool
	seen    map[types.Type]bool
	found   []string
}

func (e *exposure) walk(t types.Type) {
	if t == nil || e.seen[t] {
		return
	}
	e.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		e.typeName(t.Obj())
		e.walk(t.Rhs())
		e.typeList(t.TypeArgs())
	case *types.Named:
		e.named(t)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				e.walk(f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			e.walk(m.Type())
		}
		for embedded := range t.EmbeddedTypes() {
			e.walk(embedded)
		}
	case *types.Signature:
		e.typeParams(t.TypeParams())
		e.walk(t.Params())
		e.walk(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			e.walk(v.Type())
		}
	case *types.Map:
		e.walk(t.Key())
		e.walk(t.Elem())
	case *types.TypeParam:
		e.walk(t.Constraint())
	case *types.Union:
		for term := range t.Terms() {
			e.walk(term.Type())
		}
	case interface{ Elem() types.Type }: // pointer, slice, array, channel
		e.walk(t.Elem())
	}
}

func (e *exposure) named(t *types.Named) {
	if e.typeName(t.Obj()) {
		return
	}
	e.typeList(t.TypeArgs())
	e.typeParams(t.TypeParams())
	for m := range t.Methods() {
		if m.Exported() {
			e.walk(m.Type())
		}
	}
	e.walk(t.Underlying())
}

// typeName records the name of a foreign type and says whether it was one.
func (e *exposure) typeName(obj *types.TypeName) bool {
	if obj.Pkg() == nil || !e.foreign(obj.Pkg().Path()) {
		return false
	}
	e.found = append(e.found, obj.Pkg().Path()+"."+obj.Name())
	return true
}

func (e *exposure) typeParams(list *types.TypeParamList) {
	for p := range list.TypeParams() {
		e.walk(p)
	}
}

func (e *exposure) typeList(list *types.TypeList) {
	for t := range list.Types() {
		e.walk(t)
	}
}
