//! `kintsugi mailbox`: takes mail on loopback and shows it.

use anyhow::Result;

use super::block_on;
use crate::cli;
use crate::finish::Finish;
use crate::progress;

/// Serves until it is stopped.
pub(crate) fn mailbox(args: &cli::Mailbox) -> Result<Finish> {
    progress::line(&format!("  mailbox   takes mail on {}, shows it on http://{}/", args.smtp, args.page));
    block_on(async {
        kintsugi_mailbox::serve(args.smtp, args.page, args.spool.clone()).await?;
        Ok(Finish::Done)
    })
}
