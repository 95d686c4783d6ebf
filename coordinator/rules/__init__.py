"""BR 3.2.2.9, pure: quorum, dated policy, roster, who is asked, whose failure it is."""
