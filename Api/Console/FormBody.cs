using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace FleetMdm.Api.Console;

/// <summary>The fields of a page's form.</summary>
internal sealed class FormBody(Dictionary<string, StringValues> fields)
{
    private const string UrlEncoded = "application/x-www-form-urlencoded";
    private const int MostFields = 64;

    public static async ValueTask<FormBody> ReadAsync(HttpContext context)
    {
        RequestBody.RequireMediaType(context.Request, UrlEncoded);
        var body = await RequestBody.ReadAsync(context);
        try
        {
            using var reader = new FormReader(new MemoryStream(body.ToArray())) { ValueCountLimit = MostFields };
            return new FormBody(await reader.ReadFormAsync(context.RequestAborted));
        }
        catch (InvalidDataException)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", "The form has too many or too long fields.");
        }
    }

    /// <summary>The value of a field; null when it is absent or empty.</summary>
    public string? Get(string field) =>
        fields.TryGetValue(field, out var values) && values.Count == 1 && !string.IsNullOrWhiteSpace(values[0]) ? values[0] : null;

    /// <summary>The value of a field as it was typed, blanks included: of a password.</summary>
    public string? Exactly(string field) => fields.TryGetValue(field, out var values) && values.Count == 1 && values[0] is { Length: > 0 } value ? value : null;

    /// <summary>The values of a field that may stand there several times; those that are not empty.</summary>
    public IReadOnlyList<string> All(string field) => fields.TryGetValue(field, out var values) ? [.. values.OfType<string>().Where(value => value.Length > 0)] : [];
}
