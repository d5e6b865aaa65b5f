// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package generated_test

import (
	"context"
	"os"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	sessionclient "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
)

// longest is how long something may take that doesn't take long.
const longest = 30 * time.Second

func connect(t *testing.T) *versioned.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type outcome struct {
	session *v1alpha1.Session
	err     error
}

// startWaiting calls untilDone in a goroutine, which ends with the outcome.
func startWaiting(ctx context.Context, client versioned.Interface, name string) <-chan outcome {
	waited := make(chan outcome, 1)
	go func() {
		session, err := untilDone(ctx, client, name)
		waited <- outcome{session, err}
	}()
	return waited
}

func create(t *testing.T, sessions sessionclient.SessionInterface, name string) *v1alpha1.Session {
	t.Helper()
	session, err := sessions.Create(t.Context(), &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func remove(ctx context.Context, t *testing.T, sessions sessionclient.SessionInterface, name string) {
	t.Helper()
	if err := sessions.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestUntilDoneWaitsForTheVerdict(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	client := connect(t)
	sessions := client.TiltV1alpha1().Sessions()
	waited := startWaiting(ctx, client, "verdict")
	session := create(t, sessions, "verdict")
	defer remove(ctx, t, sessions, "verdict")
	session.Status.Done, session.Status.Error = true, "test failed"
	if _, err := sessions.UpdateStatus(ctx, session, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	got := <-waited
	if got.err != nil {
		t.Fatal(got.err)
	}
	if !got.session.Status.Done || got.session.Status.Error != "test failed" {
		t.Errorf("status = %+v", got.session.Status)
	}
}

// A Session that's gone before it was seen is waited for like any that doesn't
// exist, so it comes and goes until that is noticed.
func TestUntilDoneEndsWithTheSession(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	client := connect(t)
	sessions := client.TiltV1alpha1().Sessions()
	waited := startWaiting(ctx, client, "deleted")
	for {
		create(t, sessions, "deleted")
		remove(ctx, t, sessions, "deleted")
		select {
		case got := <-waited:
			if !apierrors.IsNotFound(got.err) {
				t.Errorf("err = %v", got.err)
			}
			return
		default:
		}
	}
}

func TestUntilDoneEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	waited := startWaiting(ctx, connect(t), "never-made")
	cancel()
	if got := <-waited; !wait.Interrupted(got.err) {
		t.Errorf("err = %v", got.err)
	}
}
