"""The API of Open MPIC over this service: its shapes, judged by the rules of this service.

    body.py             octets -> a request in their shapes (messages.py)
    question.py         that request -> a CorroborateRequest, never looser than the policy
      orchestration.py    how many perspectives and corroborations are asked for, and are used
      issuers.py          caa_domains -> a configured issuer
      methods.py          dcv_check_parameters -> DomainControl
    answer.py           the record of it -> an answer in their shapes
      check_response.py   what one perspective saw, and why it does not pass
      details.py          what it saw, method by method
    refusal.py          what is wrong with a request, in their two forms
    routes.py           the paths

All but `routes` is pure. deploy/open-mpic.md says where the answers differ from those of Open MPIC,
and why.

What a request demands beyond what is checked is refused. What would loosen the rules is read and
has no effect. The answer says which numbers were used.
"""
