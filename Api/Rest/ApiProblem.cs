namespace FleetMdm.Api.Rest;

/// <summary>A request that cannot be done as it is, thrown where that is found out and answered as problem details.</summary>
internal sealed class ApiProblem(int status, string code, string title, string detail) : Exception(detail)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string Title { get; } = title;

    /// <summary>What is wrong with which field of the body or which query parameter; null when it is not about one.</summary>
    public IDictionary<string, string[]>? Errors { get; init; }

    /// <summary>How many there really are, where a number was not as expected.</summary>
    public long? Found { get; init; }

    /// <summary>What stands in the answer besides; null: nothing.</summary>
    public IReadOnlyDictionary<string, object>? More { get; init; }

    /// <summary>Seconds, for answers that ask to come again.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>A field of the body, or a query parameter, is not what it must be.</summary>
    public static ApiProblem Field(string field, string message, string code = ProblemCodes.InvalidRequest) =>
        new(StatusCodes.Status400BadRequest, code, "The request is not valid", $"{field}: {message}")
        {
            Errors = new Dictionary<string, string[]> { [field] = [message] },
        };

    /// <summary>The query parameter <c>after</c> is none that a page has named.</summary>
    public static ApiProblem InvalidCursor(string words = "It must be the \"next\" of a page.") => Field("after", words, ProblemCodes.InvalidCursor);

    /// <summary>What a field says belongs to something else already.</summary>
    public static ApiProblem Taken(string field, string code, string message) => new(StatusCodes.Status409Conflict, code, "It is taken", message)
    {
        Errors = new Dictionary<string, string[]> { [field] = [message] },
    };

    public static ApiProblem NotFound(string what) =>
        new(StatusCodes.Status404NotFound, ProblemCodes.NotFound, "Not found", what);

    public static ApiProblem Conflict(string code, string title, string detail) =>
        new(StatusCodes.Status409Conflict, code, title, detail);
}
