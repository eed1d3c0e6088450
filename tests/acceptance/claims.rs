//! Claims: exactly one holder wins, however many try at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Client, Options, PDF, Response, Server, id_of};

const CROWD: usize = 64;

/// The time limit for retries while the service is too busy.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Sends all claims at the same time, each over its own connection.
async fn claim_at_once(server: &Server, id: &str, holder: fn(usize) -> String) -> Vec<Response> {
    let gate = Arc::new(Barrier::new(CROWD));
    let mut tasks = JoinSet::new();
    for number in 0..CROWD {
        let client = Client::with_keep_alive(server.url(), Some(server.key()));
        let (gate, id) = (gate.clone(), id.to_owned());
        tasks.spawn(async move {
            // Opens the connection before the gate.
            client.get("/livez").await.expect(200);
            gate.wait().await;
            let started = Instant::now();
            loop {
                let response = client.claim(&id, &holder(number)).await;
                // With so many requests one may wait too long for a database connection.
                if response.status != 503 || started.elapsed() > TIMEOUT {
                    return response;
                }
            }
        });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn one_of_64_holders_wins_others_get_used_at() {
    let server = Server::start(Options::new()).await;
    for round in 0..4 {
        let id = id_of(&server.client().store(&format!("{round}.pdf"), PDF).await);
        let responses = claim_at_once(&server, &id, |number| format!("certificate:{number}")).await;

        let (won, refused): (Vec<_>, Vec<_>) = responses
            .into_iter()
            .partition(|response| response.status == 200);
        assert_eq!((won.len(), refused.len()), (1, CROWD - 1));
        let won = won[0].json();
        for response in refused {
            assert_eq!(
                response.problem(409, "file-claimed")["used_at"],
                won["used_at"]
            );
        }
        assert_eq!(server.client().record(&id).await.expect(200).json(), won);
    }
}

#[tokio::test]
async fn repeated_claims_by_one_holder_agree() {
    let server = Server::start(Options::new()).await;
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    let responses = claim_at_once(&server, &id, |_| "certificate:42".to_owned()).await;
    let times: BTreeSet<String> = responses
        .into_iter()
        .map(|response| {
            response.expect(200).json()["used_at"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(times.len(), 1, "{times:?}");
}

#[tokio::test]
async fn claim_is_released_by_its_holder_only() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let claimed = client.claim(&id, "certificate:42").await.expect(200).json();
    assert_eq!(claimed["used_by"], "certificate:42");
    let refused = client
        .claim(&id, "certificate:43")
        .await
        .problem(409, "file-claimed");
    assert_eq!(refused["used_at"], claimed["used_at"]);
    let refused = client
        .release(&id, "certificate:43")
        .await
        .problem(409, "file-claimed");
    assert_eq!(refused["used_at"], claimed["used_at"]);

    let released = client
        .release(&id, "certificate:42")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&released["used_at"], &released["used_by"]),
        (&Value::Null, &Value::Null)
    );
    client.release(&id, "certificate:42").await.expect(200);
    let holder = "a holder/with “signs” & =";
    let other = client.claim(&id, holder).await.expect(200).json();
    assert_eq!(other["used_by"], holder);
    client.release(&id, holder).await.expect(200);
}

#[tokio::test]
async fn claim_requires_only_a_holder() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let claim = format!("/v1/files/{id}/claim");
    for (body, named) in [
        (json!({}), "holder"),
        (json!({"holder": ""}), "holder"),
        (json!({"holder": null}), "holder"),
        (json!({"holder": 42}), "holder"),
        (json!({"holder": "a", "until": "tomorrow"}), "until"),
    ] {
        let response = client.post_json(&claim, &body).await;
        response.problem_mentioning(422, "invalid-field", named);
    }
    for query in ["", "?holder=", "?holder=a&x=1", "?holder=a&holder=b"] {
        let response = client.delete(&format!("{claim}{query}")).await;
        response.problem(400, "invalid-parameter");
    }
    assert_eq!(
        client.record(&id).await.expect(200).json()["used_at"],
        Value::Null
    );
}
