using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.Api.Console;

/// <summary>The fields of a form that can carry a file.</summary>
internal sealed class UploadForm(IFormCollection fields)
{
    private const int LargestForm = 6 * 1024 * 1024;
    /// <summary>What stands around the file.</summary>
    private const int RoomForFields = 64 * 1024;
    private const int MostFields = 32;
    private const int LongestValue = 16 * 1024;

    /// <summary>The fields, with the request bound to the form's key.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="ids">Bound to the form's key.</param>
    /// <param name="largest">In bytes, a file of it.</param>
    /// <param name="mostFields">A form for a profile has more than others.</param>
    /// <param name="longestValue">Of one field, in characters.</param>
    public static async Task<UploadForm> Read(HttpContext context, RequestIds ids, int largest = LargestForm, int mostFields = MostFields, int longestValue = LongestValue)
    {
        RequestBody.RequireForm(context.Request, "application/x-www-form-urlencoded");
        if (context.Request.ContentLength > largest + RoomForFields) throw TooLarge();
        RequestBody.Allow(context, largest + RoomForFields);
        try
        {
            var form = new UploadForm(await context.Request.ReadFormAsync(
                new FormOptions { MultipartBodyLengthLimit = largest, ValueCountLimit = mostFields, ValueLengthLimit = longestValue }, context.RequestAborted));
            if (form.Get("key") is { Length: <= PageForms.LongestKey } key)
                await ids.Bind(context, $"{FleetUser.Of(context).TokenId} {context.Request.Path}", key, claimedAt: null);
            return form;
        }
        catch (InvalidDataException e) when (e.Message.Contains("limit", StringComparison.OrdinalIgnoreCase))
        {
            throw TooLarge();
        }
        catch (InvalidDataException)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", "The form is damaged.");
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", "The form ends too early.");
        }
    }

    /// <summary>The value of a field; null when it is absent or empty.</summary>
    public string? Get(string field) =>
        fields.TryGetValue(field, out var values) && values.Count == 1 && !string.IsNullOrWhiteSpace(values[0]) ? values[0] : null;

    /// <summary>The same, where a second value would leave it to chance which one was meant.</summary>
    /// <exception cref="ApiProblem">The field stands there twice.</exception>
    public string? Once(string field) => fields.TryGetValue(field, out var values) && values.Count > 1
        ? throw ApiProblem.Field(field, "It stands there twice. Load the page again.")
        : Get(field);

    /// <summary>The values of a field that may stand there several times; those that are not empty.</summary>
    public IReadOnlyList<string> All(string field) => fields.TryGetValue(field, out var values) ? [.. values.OfType<string>().Where(value => value.Length > 0)] : [];

    /// <summary>Of all fields and files.</summary>
    public IEnumerable<string> Names => fields.Keys.Concat(fields.Files.Select(file => file.Name));

    /// <summary>Of those in which something stands.</summary>
    public IEnumerable<string> Filled => fields.Where(entry => entry.Value.Any(value => !string.IsNullOrEmpty(value))).Select(entry => entry.Key)
        .Concat(fields.Files.Where(file => file.Length > 0).Select(file => file.Name));

    /// <summary>The bytes of a file; null when none was chosen.</summary>
    /// <exception cref="ApiProblem">There are two of this name.</exception>
    public async Task<byte[]?> File(string field, CancellationToken cancellationToken)
    {
        if (fields.Files.GetFiles(field).Count > 1) throw ApiProblem.Field(field, "It stands there twice. Load the page again.");
        if (fields.Files.GetFile(field) is not { Length: > 0 } file) return null;
        using var content = new MemoryStream();
        await file.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    }

    private static ApiProblem TooLarge() => new(
        StatusCodes.Status413PayloadTooLarge, ProblemCodes.BodyTooLarge, "The form is too large", "The form or its file is too large: a certificate may have at most 256 KiB, a profile 4 MiB, a list 24 MiB.");
}
