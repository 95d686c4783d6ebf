"""UPKI's applications, as registration officers have them."""

DN = "CN={0},OU=情報基盤センター,O=Example University,L=Chiyoda-ku,C=JP"


def application(fqdn: str, further: str = "", **cells: str) -> str:
    """Return a line of UPKI's file; `c5="text"` gives column 5."""
    columns = [""] * 13
    columns[0] = DN.format(fqdn)
    columns[1] = "3"
    columns[6] = "MIICijCCAXICAQAw"
    columns[7:10] = ["大学 太郎", "情報基盤センター", "taro@example.ac.jp"]
    columns[10:13] = [fqdn, "Apache 2.4", further]
    for place, text in cells.items():
        columns[int(place[1:]) - 1] = text
    return "\t".join(columns)
