using System.Text.Json.Nodes;
using FleetMdm.Grains.AppsAndBooks;
using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Grains.Tests.AppsAndBooks;

/// <summary>The rules of licences, and how Apple's answers are read.</summary>
public sealed class LicencePartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 7, 0, 0, TimeSpan.Zero);

    private static ContentLicence Licence(string serial, LicenceState state = LicenceState.Asked, string adam = "1", int attempts = 1) =>
        new() { AdamId = adam, Pricing = "STDQ", SerialNumber = serial, State = state, Attempts = attempts, ChangedAt = Now };

    private static ContentFailure Failure(int number, string[] adams, string[] serials) => new(number, "why", adams.ToHashSet(), serials.ToHashSet());

    private static JsonObject Json(string json) => JsonNode.Parse(json)!.AsObject();

    [Fact]
    public void A_request_that_is_pending_is_waited_for_and_after_ten_minutes_made_again()
    {
        var pending = new ContentStatus(true, false, []);
        Assert.Null(LicencePart.Answer(pending, [Licence("A")], Now.AddMinutes(-9), Now, 0));
        Assert.Equal([(LicenceState.Wanted, (DateTimeOffset?)Now), (LicenceState.Leaving, Now)],
            LicencePart.Answer(pending, [Licence("A"), Licence("B", LicenceState.Returning)], Now.AddMinutes(-10), Now, 0)!.Select(one => (one.State, one.NextAt)));
    }

    [Fact]
    public void A_failure_is_of_those_that_it_names_and_the_others_have_theirs()
    {
        var answers = LicencePart.Answer(new ContentStatus(false, true, [Failure(9602, ["1"], ["B"])]), [Licence("A"), Licence("B"), Licence("B", adam: "2"), Licence("C", LicenceState.Returning)], Now, Now, 0)!;
        Assert.Equal([LicenceState.Held, LicenceState.Wanted, LicenceState.Held, LicenceState.Held], answers.Select(one => one.State));
        Assert.Equal([false, false, false, true], answers.Select(one => one.Gone));
        Assert.Equal((Now.AddMinutes(5), "Apple refuses the licence (9602: why)."), (answers[1].NextAt, answers[1].Reason));
    }

    [Fact]
    public void What_is_already_as_it_was_asked_to_be_is_no_failure()
    {
        var answers = LicencePart.Answer(
            new ContentStatus(false, true, [Failure(9616, ["1"], ["A"]), Failure(9619, ["1"], ["B"])]), [Licence("A"), Licence("B", LicenceState.Returning), Licence("B")], Now, Now, 0)!;
        Assert.Equal([(LicenceState.Held, false), (LicenceState.Held, true), (LicenceState.Wanted, false)], answers.Select(one => (one.State, one.Gone)));
    }

    [Fact]
    public void Too_few_licences_are_counted_anew_at_once_and_then_with_pauses()
    {
        var failed = new ContentStatus(false, true, [Failure(9709, ["1"], [])]);
        Assert.Equal((Now, "No licence is left."), (LicencePart.Answer(failed, [Licence("A")], Now, Now, 0)![0].NextAt, LicencePart.Answer(failed, [Licence("A")], Now, Now, 0)![0].Reason));
        Assert.True(LicencePart.Answer(failed, [Licence("A", attempts: 3)], Now, Now, 0)![0].NextAt > Now.AddMinutes(30));
    }

    [Fact]
    public void A_failure_that_names_nobody_is_looked_up() => Assert.Empty(LicencePart.Answer(new ContentStatus(false, true, []), [Licence("A")], Now, Now, 0)!);

    [Theory]
    [InlineData(LicenceState.Asked, true, LicenceState.Held, false)]
    [InlineData(LicenceState.Asked, false, LicenceState.Wanted, false)]
    [InlineData(LicenceState.Returning, true, LicenceState.Leaving, false)]
    [InlineData(LicenceState.Returning, false, LicenceState.Held, true)]
    public void What_nobody_heard_of_is_as_Apple_lists_it(LicenceState state, bool isThere, LicenceState then, bool gone)
    {
        var answer = LicencePart.BySight(Licence("A", state), isThere, Now);
        Assert.Equal((then, gone), (answer.State, answer.Gone));
    }

    [Fact]
    public void A_token_is_warned_of_once_at_each_step()
    {
        Assert.Null(LicencePart.Warning(Now.AddDays(31), null, Now));
        Assert.Equal(30, LicencePart.Warning(Now.AddDays(29.5), null, Now));
        Assert.Null(LicencePart.Warning(Now.AddDays(20), 30, Now));
        Assert.Equal(14, LicencePart.Warning(Now.AddDays(14), 30, Now));
        Assert.Equal(7, LicencePart.Warning(Now.AddDays(6), 14, Now));
        Assert.Equal(1, LicencePart.Warning(Now.AddHours(5), 7, Now));
        Assert.Null(LicencePart.Warning(Now.AddHours(1), 1, Now));
        // Nobody looked for weeks.
        Assert.Equal(1, LicencePart.Warning(Now.AddHours(5), null, Now));
    }

    [Fact]
    public void Pauses_grow_and_are_never_shorter_than_Apple_asks_for()
    {
        Assert.Equal(TimeSpan.FromMinutes(1), LicencePart.Pause(ContentProblem.Throttled, 1, null, 0));
        Assert.Equal(TimeSpan.FromMinutes(8), LicencePart.Pause(ContentProblem.Unreachable, 4, null, 0));
        Assert.Equal(TimeSpan.FromHours(1), LicencePart.Pause(ContentProblem.Unreachable, 500, null, 0));
        Assert.Equal(TimeSpan.FromMinutes(90), LicencePart.Pause(ContentProblem.Unreachable, 1, TimeSpan.FromMinutes(90), 0));
        Assert.Equal(TimeSpan.FromDays(1), LicencePart.Pause(ContentProblem.Unreachable, 1, TimeSpan.FromDays(90), 0));
        Assert.True(LicencePart.Pause(ContentProblem.Unreachable, 1, TimeSpan.FromMinutes(90), 1) > TimeSpan.FromMinutes(90));
    }

    [Theory]
    [InlineData(200, """{"errorNumber": 9621}""", ContentProblem.TokenExpired, true)]
    [InlineData(200, """{"errorNumber": 9622}""", ContentProblem.TokenInvalid, true)]
    [InlineData(200, """{"errorNumber": 9625}""", ContentProblem.TokenRevoked, true)]
    [InlineData(401, """{"errorNumber": 9601}""", ContentProblem.TokenInvalid, true)]
    [InlineData(410, """{"errorNumber": 9634}""", ContentProblem.AccessDenied, true)]
    [InlineData(429, """{"errorNumber": 9646}""", ContentProblem.Throttled, true)]
    [InlineData(429, null, ContentProblem.Throttled, true)]
    [InlineData(500, """{"errorNumber": 9603}""", ContentProblem.Unreachable, false)]
    [InlineData(503, """{"errorNumber": 9999}""", ContentProblem.Unreachable, false)]
    [InlineData(400, """{"errorNumber": 9999, "errorMessage": "new"}""", ContentProblem.Unexpected, true)]
    [InlineData(200, null, ContentProblem.Unexpected, false)]
    [InlineData(502, null, ContentProblem.Unreachable, false)]
    public void An_error_is_known_by_its_number_whatever_the_status(int status, string? body, object problem, bool refused)
    {
        var refusal = ContentAnswers.Refusal(status, body is null ? null : Json(body), null)!;
        Assert.Equal((problem, refused), (refusal.Problem, refusal.Refused));
    }

    [Fact]
    public void Answers_with_anything_in_them_are_read_as_far_as_they_make_sense()
    {
        Assert.Null(ContentAnswers.Refusal(200, Json("""{"uId": "x"}"""), null));
        var page = ContentAnswers.Assets(Json("""{"assets": [5, {}, {"adamId": 7, "pricingParam": "STDQ", "availableCount": -4}, {"adamId": "x", "pricingParam": "STDQ"}], "nextPageIndex": 1, "versionId": 12}"""));
        Assert.Equal(("7", 0L, 1, "12"), (Assert.Single(page.Items).AdamId, page.Items[0].Available, page.Next, page.Version));
        var licences = ContentAnswers.Assignments(Json("""{"assignments": [{"adamId": "7", "pricingParam": "STDQ", "serialNumber": " abc1 "}, {"adamId": "7", "pricingParam": "STDQ", "clientUserId": "u"}]}"""));
        Assert.Equal(("7", "STDQ", "ABC1"), Assert.Single(licences.Items));
        Assert.True(ContentAnswers.Status(Json("""{"eventStatus": "PENDING"}""")).Pending);
        Assert.False(ContentAnswers.Status(Json("""{"eventStatus": "COMPLETED"}""")).Pending);
        Assert.True(ContentAnswers.Status(Json("""{"eventStatus": "FAILED", "failures": [{"errorNumber": 9709, "errorInfo": {"assets": [{"adamId": "7"}], "serialNumbers": ["a"]}}]}""")).Failed);
        Assert.Null(ContentAnswers.Limits(Json("""{"urls": {"contentMetadataLookup": "http://plain.example"}}""")).Lookup);
        Assert.Equal(100, ContentAnswers.Limits(Json("{}")).MaxSerials);
        Assert.Throws<ContentException>(() => ContentAnswers.Config(Json("{}")));
    }
}
