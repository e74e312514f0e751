// SPDX-License-Identifier: Apache-2.0

// Command check reads manifests into the types of the Kubernetes API, strictly: a field that
// does not exist, or has another type, is an error. It is a module of its own, so that the
// plugin does not need them.
//
//	go run . ../segment-pixel.yaml
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

// serviceMonitor is what is used of the type of the Prometheus operator.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

func main() {
	for _, name := range os.Args[1:] {
		if err := check(name); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

func check(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	reader := yaml.NewDocumentDecoder(file)
	defer reader.Close()
	buffer := make([]byte, 1<<20)
	for n := 1; ; n++ {
		size, err := reader.Read(buffer)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := checkDocument(buffer[:size]); err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
	}
}

func checkDocument(text []byte) error {
	var kind metav1.TypeMeta
	if err := strict.Unmarshal(text, &kind); err != nil {
		return err
	}
	known := map[string]any{
		"v1/ConfigMap":                            new(corev1.ConfigMap),
		"v1/Service":                              new(corev1.Service),
		"apps/v1/StatefulSet":                     new(appsv1.StatefulSet),
		"policy/v1/PodDisruptionBudget":           new(policyv1.PodDisruptionBudget),
		"monitoring.coreos.com/v1/ServiceMonitor": new(serviceMonitor),
	}
	into := known[kind.APIVersion+"/"+kind.Kind]
	if into == nil {
		return fmt.Errorf("%s of %s is not known", kind.Kind, kind.APIVersion)
	}
	return strict.UnmarshalStrict(text, into)
}
