using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Operations;

/// <summary>The fields of the console for an operation that is started again and again. The page between the form and the start carries them as they are.</summary>
/// <param name="Days">As the field has them: daily, weekdays, or a day.</param>
public sealed record RepeatForm(string Name, string Days, string At)
{
    public static readonly IReadOnlyList<(string Value, string Words)> Choices =
    [
        ("", "Once"), ("daily", "Every day"), ("weekdays", "Monday to Friday"),
        .. Enumerable.Range(1, 7).Select(day => (DayOfWeek)(day % 7)).Select(day => (day.ToString(), "Every " + day)),
    ];

    /// <returns>Null: it is started once.</returns>
    internal static RepeatForm? Read(Func<string, string?> field) =>
        field("repeat-days") is { } days ? new RepeatForm(field("repeat-name") ?? "", days, field("repeat-at") ?? "") : null;

    internal RepeatingRequest Request(OperationTargetRequest target, OperationPaceRequest? pace, bool force) => new()
    {
        Name = Name,
        Target = target,
        Command = default,
        At = At,
        Days = Days switch
        {
            "daily" => null,
            "weekdays" => [.. Enumerable.Range(1, 5).Select(day => ((DayOfWeek)day).ToString())],
            _ => [Days],
        },
        Pace = pace,
        Force = force,
    };

    /// <summary>As the button's page says it.</summary>
    public string Words => $"{Choices.FirstOrDefault(choice => choice.Value == Days).Words} at {At}";

    /// <summary>What is wrong, by the names of the fields.</summary>
    internal static ApiProblem Of(ApiProblem problem) => new(problem.Status, problem.Code, problem.Title, problem.Message)
    {
        Errors = problem.Errors?.ToDictionary(
            error => error.Key switch { "name" => "repeat-name", "at" => "repeat-at", "days" or "days[0]" => "repeat-days", _ => error.Key }, error => error.Value),
    };
}
