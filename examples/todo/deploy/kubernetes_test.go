package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// manifest decodes a file of kubernetes/. A field that its kind does not have, or one
// given twice, is an error.
func manifest[T any](t *testing.T, name string, kind metav1.TypeMeta, meta func(*T) (metav1.TypeMeta, metav1.ObjectMeta)) *T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("kubernetes", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got, named := meta(object); got != kind || named.Name != "todo" || named.Namespace != "" {
		t.Errorf("%s is %v %q in the namespace %q", name, got, named.Name, named.Namespace)
	}
	return object
}

func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	return manifest(t, "deployment", metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, func(o *appsv1.Deployment) (metav1.TypeMeta, metav1.ObjectMeta) {
		return o.TypeMeta, o.ObjectMeta
	})
}

// container returns the one container of the pods.
func container(t *testing.T) corev1.Container {
	t.Helper()
	containers := deployment(t).Spec.Template.Spec.Containers
	if len(containers) != 1 {
		t.Fatalf("the pod has %d containers, want 1", len(containers))
	}
	return containers[0]
}

func TestEachManifestIsTested(t *testing.T) {
	files, err := filepath.Glob("kubernetes/*")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"configmap", "deployment", "networkpolicy", "poddisruptionbudget", "service"}
	for i := range want {
		want[i] = "kubernetes/" + want[i] + ".yaml"
	}
	if !slices.Equal(files, want) {
		t.Errorf("kubernetes/ has %q, the tests read %q", files, want)
	}
}

func TestTheDeploymentSurvivesANode(t *testing.T) {
	spec := deployment(t).Spec
	if *spec.Replicas < 2 || spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("%d replicas, of which %v may be missing", *spec.Replicas, spec.Strategy.RollingUpdate.MaxUnavailable)
	}
	pods := labels.Set(spec.Template.Labels)
	selectors := map[string]*metav1.LabelSelector{"the Deployment": spec.Selector}
	for _, spread := range spec.Template.Spec.TopologySpreadConstraints {
		selectors["the spread over "+spread.TopologyKey] = spread.LabelSelector
	}
	budget := manifest(t, "poddisruptionbudget", metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}, func(o *policyv1.PodDisruptionBudget) (metav1.TypeMeta, metav1.ObjectMeta) {
		return o.TypeMeta, o.ObjectMeta
	})
	if budget.Spec.MaxUnavailable.IntValue() >= int(*spec.Replicas) {
		t.Errorf("all %d replicas may be drained together", *spec.Replicas)
	}
	selectors["the PodDisruptionBudget"] = budget.Spec.Selector
	for who, selector := range selectors {
		chosen, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || chosen.Empty() || !chosen.Matches(pods) {
			t.Errorf("%s does not choose the pods: %v", who, err)
		}
	}
	if len(selectors) != 3 {
		t.Error("the replicas are not spread")
	}
}

// What Kubernetes' Pod Security Standards call "restricted", and a file system that
// cannot be written to.
func TestThePodIsRestricted(t *testing.T) {
	pod, c := deployment(t).Spec.Template.Spec, container(t).SecurityContext
	memory := container(t).Resources.Limits[corev1.ResourceMemory]
	for what, right := range map[string]bool{
		"runs as root":                    *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser > 0,
		"has no seccomp profile":          pod.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault,
		"may escalate":                    !*c.AllowPrivilegeEscalation,
		"has capabilities":                slices.Contains(c.Capabilities.Drop, "ALL") && len(c.Capabilities.Add) == 0,
		"may write":                       *c.ReadOnlyRootFilesystem,
		"has a token of the cluster":      !*pod.AutomountServiceAccountToken,
		"gets variables of every Service": !*pod.EnableServiceLinks,
		"has no limit of memory":          memory.Sign() > 0,
	} {
		if !right {
			t.Errorf("the pod %s", what)
		}
	}
}

func TestPortsAgree(t *testing.T) {
	ports := make(map[string]int32)
	for _, port := range container(t).Ports {
		ports[port.Name] = port.ContainerPort
	}
	known := func(who string, port intstr.IntOrString) {
		if ports[port.String()] == 0 {
			t.Errorf("%s asks for the port %s; the container has %v", who, port.String(), ports)
		}
	}
	service := manifest(t, "service", metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, func(o *corev1.Service) (metav1.TypeMeta, metav1.ObjectMeta) {
		return o.TypeMeta, o.ObjectMeta
	})
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(deployment(t).Spec.Template.Labels)) {
		t.Error("the Service does not choose the pods")
	}
	for _, port := range service.Spec.Ports {
		known("the Service", port.TargetPort)
		if port.TargetPort.String() == "admin" {
			t.Error("the Service has the port for operators")
		}
	}
	policy := manifest(t, "networkpolicy", metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, func(o *networkingv1.NetworkPolicy) (metav1.TypeMeta, metav1.ObjectMeta) {
		return o.TypeMeta, o.ObjectMeta
	})
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			known("the NetworkPolicy", *port.Port)
			if port.Port.String() == "admin" && len(rule.From) == 0 {
				t.Error("the NetworkPolicy lets everybody ask what is for operators")
			}
		}
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": container(t).LivenessProbe, "/readyz": container(t).ReadinessProbe} {
		if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.String() != "admin" {
			t.Errorf("the probe of %s is %v", path, probe)
		}
	}
	settings := configMap(t).Data
	for name, port := range map[string]string{"TODO_ADDR": ":8080", "TODO_GRPC_ADDR": ":9090", "TODO_ADMIN_ADDR": ":9091"} {
		if settings[name] != port {
			t.Errorf("%s is %q, want %q as the container's port", name, settings[name], port)
		}
	}
	if ports["http"] != 8080 || ports["grpc"] != 9090 || ports["admin"] != 9091 {
		t.Errorf("the container's ports are %v", ports)
	}
}

func configMap(t *testing.T) *corev1.ConfigMap {
	t.Helper()
	return manifest(t, "configmap", metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, func(o *corev1.ConfigMap) (metav1.TypeMeta, metav1.ObjectMeta) {
		return o.TypeMeta, o.ObjectMeta
	})
}

func TestSecretsAreNotInTheManifests(t *testing.T) {
	c := container(t)
	if len(c.EnvFrom) != 1 || c.EnvFrom[0].ConfigMapRef.Name != configMap(t).Name {
		t.Errorf("the settings come from %v", c.EnvFrom)
	}
	if configMap(t).Data["TODO_DATABASE_URL"] != "" {
		t.Error("the database's URL is in the ConfigMap")
	}
	if len(c.Env) != 2 {
		t.Errorf("the variables are %v, want GOMEMLIMIT and the database's URL", c.Env)
	}
	if url := variable(t, "TODO_DATABASE_URL"); url.ValueFrom == nil || url.ValueFrom.SecretKeyRef == nil {
		t.Errorf("the database's URL is %v, want it from a Secret", url)
	}
}

// With no limit of its own, Go lets the heap double before it collects, whatever the
// container may have.
func TestGoCollectsBeforeThePodIsKilled(t *testing.T) {
	text := variable(t, "GOMEMLIMIT").Value
	soft, err := resource.ParseQuantity(strings.TrimSuffix(text, "B")) // Go's MiB is Kubernetes' Mi
	if err != nil || !strings.HasSuffix(text, "iB") {
		t.Fatalf("GOMEMLIMIT is %q: %v", text, err)
	}
	hard := container(t).Resources.Limits[corev1.ResourceMemory]
	if share := soft.AsApproximateFloat64() / hard.AsApproximateFloat64(); share < 0.75 || share > 0.85 {
		t.Errorf("GOMEMLIMIT is %v of the limit %v, want about 80 %%", share, hard.String())
	}
}

// variable returns a variable of the container's own.
func variable(t *testing.T, name string) corev1.EnvVar {
	t.Helper()
	var found []corev1.EnvVar
	for _, v := range container(t).Env {
		if v.Name == name {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the container's variables called %s are %v", name, found)
	}
	return found[0]
}
