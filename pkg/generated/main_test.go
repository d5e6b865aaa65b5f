// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	"tilt.dev/session/pkg/testing/scratch"
)

// TestMain gives the examples what they'd find beside "tilt-session ci": a
// server that KUBECONFIG leads to, with the Session of a run that has succeeded.
func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	goleak.VerifyTestMain(beside{m},
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache leaves one for three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// beside runs tests while there is a server.
type beside struct{ tests *testing.M }

// Run implements goleak.TestingM.
func (b beside) Run() int {
	code := 1
	err := scratch.Run(context.Background(), func(ctx context.Context, server *apiserver.Server) error {
		directory, err := os.MkdirTemp("", "kubeconfig")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(directory) }()
		if err := setKubeconfig(filepath.Join(directory, "config"), server.Access()); err != nil {
			return err
		}
		if err := createSucceeded(ctx, server); err != nil {
			return err
		}
		code = b.tests.Run()
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "running beside a server:", err)
		return 1
	}
	return code
}

func setKubeconfig(path string, access apiserver.Access) error {
	const name = "tilt-default"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: access.URL, CertificateAuthorityData: access.CertificateAuthority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: access.Token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return err
	}
	return os.Setenv("KUBECONFIG", path)
}

func createSucceeded(ctx context.Context, server *apiserver.Server) error {
	clientset, err := versioned.NewForConfig(server.LoopbackClientConfig())
	if err != nil {
		return err
	}
	sessions := clientset.TiltV1alpha1().Sessions()
	session, err := sessions.Create(ctx, &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "Tiltfile"},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	start := metav1.NewMicroTime(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	finish := metav1.NewMicroTime(start.Add(2 * time.Second))
	session.Status = v1alpha1.SessionStatus{
		PID:       4711,
		StartTime: start,
		Targets: []v1alpha1.Target{{
			Name:      "api:serve",
			Type:      v1alpha1.TargetTypeServer,
			Resources: []string{"api"},
			State:     v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: start, Ready: true, LastReadyTime: start}},
		}, {
			Name:      "test:update",
			Type:      v1alpha1.TargetTypeJob,
			Resources: []string{"test"},
			State:     v1alpha1.TargetState{Terminated: &v1alpha1.TargetStateTerminated{StartTime: start, FinishTime: finish, ExitCode: new(int32)}},
		}},
		Done: true,
		Conditions: []metav1.Condition{{
			Type:               v1alpha1.SessionConditionSucceeded,
			Status:             metav1.ConditionTrue,
			Reason:             "Done",
			LastTransitionTime: metav1.NewTime(finish.Time),
		}},
	}
	_, err = sessions.UpdateStatus(ctx, session, metav1.UpdateOptions{FieldManager: "tilt-session"})
	return err
}
