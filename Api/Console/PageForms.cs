using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Console;

/// <summary>What all forms of the pages share. A form answers with a redirect to the page that shows the result, so that going back or
/// reloading does nothing twice; a form that is sent twice all the same does its work once, by its hidden key.</summary>
internal static class PageForms
{
    public const int LongestKey = 64;

    /// <summary>For the hidden field of a form that is shown now.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");

    /// <summary>The fields, with the request bound to the form's key.</summary>
    public static async Task<FormBody> Read(HttpContext context, RequestIds ids)
    {
        var form = await FormBody.ReadAsync(context);
        if (form.Get("key") is { Length: <= LongestKey } key)
            await ids.Bind(context, $"{FleetUser.Of(context).TokenId} {context.Request.Path}", key, claimedAt: null);
        return form;
    }

    /// <summary>What cannot be undone is confirmed by a word that the page names.</summary>
    /// <exception cref="ApiProblem">422: it was not typed.</exception>
    public static void Confirm(FormBody form, string word)
    {
        if (string.Equals(form.Get("confirm")?.Trim(), word, StringComparison.OrdinalIgnoreCase)) return;
        var words = $"Nothing was done. Type {word} to confirm.";
        throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.NotConfirmed, "It was not confirmed", words)
        {
            Errors = new Dictionary<string, string[]> { ["confirm"] = [words] },
        };
    }

    public static int? Number(FormBody form, string field) => form.Get(field) is not { } text
        ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiProblem.Field(field, "It must be a whole number.");

    /// <summary>Null: it is empty.</summary>
    public static DateOnly? Day(FormBody form, string field) => Day(form.Get, field);

    /// <param name="typed">What stands in a field.</param>
    /// <param name="field">Which.</param>
    public static DateOnly? Day(Func<string, string?> typed, string field) => typed(field) is not { } text
        ? null
        : DateOnly.TryParseExact(text.Trim(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw ApiProblem.Field(field, "Enter a day as in 2027-06-11.");

    /// <summary>Whether a person can mend it on the page of the form, or sees there why it cannot be done.</summary>
    public static bool CanShow(ApiProblem problem) => problem.Status is StatusCodes.Status400BadRequest or StatusCodes.Status409Conflict
        or StatusCodes.Status422UnprocessableEntity or StatusCodes.Status429TooManyRequests;

    /// <summary>Go and see there.</summary>
    public static IResult See(string path) => new SeeOther(path);

    private sealed class SeeOther(string path) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = path;
            return Task.CompletedTask;
        }
    }
}
