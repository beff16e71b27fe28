//! The scripts that judge and write, named by version: a node of the next version brings its own beside them, and neither runs the other's.

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

/// A script that looks at the table of owners, behind the checks that all of these share.
macro_rules! of_ledger {
    ($file:literal) => {
        concat!(
            include_str!("scripts/ledger.v1.lua"),
            include_str!(concat!("scripts/", $file))
        )
    };
}

/// A script that writes in somebody's name: behind [`Ledger::fence`](crate::ownership::Ledger::fence), which is cut short where it surely passes.
/// What is not executed costs nothing, and the functions of the ledger are half of a commit's time.
macro_rules! fenced {
    ($file:literal) => {
        concat!(
            include_str!("scripts/quick_fence.v1.lua"),
            "if not is_fenced then\n",
            include_str!("scripts/ledger.v1.lua"),
            "local refused = fence(ARGV[6], tonumber(ARGV[7]))\n",
            "if refused then return refused end\n",
            "time = text(now)\n",
            "end\n",
            include_str!(concat!("scripts/", $file))
        )
    };
}

const OPEN: &str = include_str!("scripts/open.v2.lua");
const INDEX: &str = include_str!("scripts/index.v1.lua");
const OPEN_REIGN: &str = include_str!("scripts/open_reign.v1.lua");
const COMMIT: &str = fenced!("commit.v2.lua");
const RESTORE: &str = of_ledger!("restore.v1.lua");
const RENEW: &str = of_ledger!("renew.v1.lua");
const DECLARE_DEAD: &str = of_ledger!("declare_dead.v1.lua");
const CLAIM: &str = of_ledger!("claim.v1.lua");
const RE_ASSERT: &str = of_ledger!("re_assert.v1.lua");
const HAND_OFF: &str = of_ledger!("hand_off.v1.lua");

/// The scripts' names in the server's cache: the SHA-1 that it answered when they were loaded.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    pub(super) open: String,
    pub(super) index: String,
    pub(super) open_reign: String,
    pub(super) commit: String,
    pub(super) restore: String,
    pub(super) renew: String,
    pub(super) declare_dead: String,
    pub(super) claim: String,
    pub(super) re_assert: String,
    pub(super) hand_off: String,
}

impl Scripts {
    /// Loads them. Done for each connection: a server that was started again has forgotten them.
    pub(super) async fn load(connection: &mut MultiplexedConnection) -> RedisResult<Self> {
        let mut loading = redis::pipe();
        for script in [
            OPEN,
            INDEX,
            OPEN_REIGN,
            COMMIT,
            RESTORE,
            RENEW,
            DECLARE_DEAD,
            CLAIM,
            RE_ASSERT,
            HAND_OFF,
        ] {
            loading.cmd("SCRIPT").arg("LOAD").arg(script);
        }
        let names: [String; 10] = loading.query_async(connection).await?;
        let [
            open,
            index,
            open_reign,
            commit,
            restore,
            renew,
            declare_dead,
            claim,
            re_assert,
            hand_off,
        ] = names;
        Ok(Self {
            open,
            index,
            open_reign,
            commit,
            restore,
            renew,
            declare_dead,
            claim,
            re_assert,
            hand_off,
        })
    }
}
