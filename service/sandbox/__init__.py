"""What the page for CDS developers needs beside the service itself: charts, drafts, units."""
