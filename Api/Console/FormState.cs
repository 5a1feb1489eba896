using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Console;

/// <summary>What a form shows: nothing typed yet, or what was typed and what is wrong with which field.</summary>
public sealed class FormState
{
    private readonly Func<string, string?> _typed;
    private readonly ApiProblem? _problem;
    private readonly bool _sent;

    private FormState(Func<string, string?> typed, ApiProblem? problem, bool sent)
    {
        _typed = typed;
        _problem = problem;
        _sent = sent;
    }

    /// <summary>A form that nobody has sent yet.</summary>
    public static FormState Fresh { get; } = new(_ => null, null, sent: false);

    internal static FormState Refused(ApiProblem problem, Func<string, string?>? typed = null) => new(typed ?? (_ => null), problem, sent: true);

    /// <summary>It is shown once more with what was typed, and nothing is wrong.</summary>
    internal static FormState Looked(Func<string, string?> typed) => new(typed, null, sent: true);

    /// <summary>It was sent, and something was wrong.</summary>
    public bool IsRefused => _problem is not null;

    /// <summary>Of the answer: an error's page is no success.</summary>
    public int Status => _problem?.Status ?? StatusCodes.Status200OK;

    /// <summary>What stands in a field: what was typed; in a fresh form <paramref name="initial"/>.</summary>
    public string? Value(string field, string? initial = null) => _sent ? _typed(field) : initial;

    /// <summary>What is wrong with a field; null: nothing.</summary>
    public string? Error(string field) => Faults().FirstOrDefault(fault => fault.Field == field).Words;

    /// <summary>What is wrong, when it is about no field.</summary>
    public string? Problem => _problem is { Errors: null } ? _problem.Message : null;

    /// <summary>What is wrong, field by field. One of a list (<c>onlyFor[3]</c>) is told as a line of its field.</summary>
    public IEnumerable<(string Field, string Words)> Faults()
    {
        foreach (var (name, words) in _problem?.Errors ?? new Dictionary<string, string[]>())
        {
            var bracket = name.IndexOf('[');
            var field = bracket < 0 ? name : name[..bracket];
            var line = bracket >= 0 && int.TryParse(name[(bracket + 1)..].TrimEnd(']'), out var index) ? $"Line {index + 1}: " : "";
            yield return (field, line + string.Join(" ", words));
        }
    }
}
