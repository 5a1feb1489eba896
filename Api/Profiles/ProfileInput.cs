using System.Text.Json;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace FleetMdm.Api.Profiles;

/// <summary>A profile as somebody hands it in: as JSON, as a property list that was built here, or as a file.</summary>
public sealed class ProfileInput
{
    private readonly JsonElement? _json;
    private readonly PlistDictionary? _built;
    private readonly byte[]? _file;

    private ProfileInput(string? note, JsonElement? json = null, PlistDictionary? built = null, byte[]? file = null) =>
        (Note, _json, _built, _file) = (note, json, built, file);

    /// <summary>Why, for the list of versions.</summary>
    public string? Note { get; }

    /// <param name="profile">Apple's keys; (hidden) in the place of secrets that stay.</param>
    public static ProfileInput OfJson(JsonElement profile, string? note = null) => new(note, json: profile);

    /// <param name="profile">With all its secrets.</param>
    public static ProfileInput OfPlist(PlistDictionary profile, string? note = null) => new(note, built: profile);

    /// <param name="file">A .mobileconfig: XML, binary or UTF-16, plain or signed.</param>
    public static ProfileInput OfFile(byte[] file, string? note = null) => new(note, file: file);

    /// <summary>The body of a request: JSON, a file, or a form with a file.</summary>
    /// <exception cref="ApiProblem">400, 413 or 415.</exception>
    internal static async Task<ProfileInput> Read(HttpContext context)
    {
        RequestBody.RequireMediaType(context.Request, RequestBody.Json, ConfigurationProfile.ContentType, RequestBody.Multipart);
        switch (RequestBody.MediaType(context.Request))
        {
            case RequestBody.Json:
                var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ProfileRequest);
                return OfJson(request.Profile, Checked(request.Note));
            case RequestBody.Multipart:
                return await ReadForm(context);
            default:
                return OfFile((await RequestBody.ReadAsync(context)).ToArray());
        }
    }

    /// <summary>Checked, complete, and with this PayloadUUID.</summary>
    /// <param name="before">What it is a change of; null: it is new.</param>
    /// <param name="rules">What it is inspected by.</param>
    /// <exception cref="ApiProblem">400 or 422, with what is wrong at which place.</exception>
    internal LibraryProfile Check(string uuid, LibraryProfile? before, ProfileRules rules)
    {
        try
        {
            if (_file is not null) return LibraryProfile.OfFile(_file, uuid, rules);
            var root = _built ?? ProfileJson.Read(_json!.Value, before?.Root);
            // A change is about the same profile, whether that is said again or not.
            if (before is not null) root.TryAdd("PayloadIdentifier", before.Identifier);
            return LibraryProfile.OfBuilt(root, uuid, rules);
        }
        catch (CommandFieldException e)
        {
            throw ApiProblem.Field(CommandReader.Dotted(e.Field, "profile"), e.Message, ProblemCodes.InvalidProfile);
        }
        catch (LibraryProfileException e)
        {
            throw Refused(e);
        }
        catch (InvalidOperationException)
        {
            throw ApiProblem.Field("profile", "It holds text that is not valid Unicode.", ProblemCodes.InvalidProfile);
        }
    }

    /// <exception cref="ApiProblem">It is too long.</exception>
    internal static string? Checked(string? note) => string.IsNullOrWhiteSpace(note) ? null : Text.Optional("note", note, longest: 500);

    private static ApiProblem Refused(LibraryProfileException e)
    {
        var named = e.Problems.GroupBy(problem => problem.Path.Length > 0 ? $"profile.{problem.Path}" : "profile")
            .ToDictionary(group => Text.Printable(group.Key, 200), group => group.Select(problem => problem.Message).ToArray());
        var (code, title) = e.EndsEnrolment
            ? (ProblemCodes.OwnEnrolment, "It would end the enrolment")
            : (ProblemCodes.InvalidProfile, "iPads would refuse this profile");
        var more = e.Problems.Count > 1 ? $" And {e.Problems.Count - 1} more." : "";
        return new ApiProblem(StatusCodes.Status422UnprocessableEntity, code, title, $"{(e.Problems[0].Path is { Length: > 0 } field ? field + ": " : "")}{e.Problems[0].Message}{more}")
        {
            Errors = named,
            // The same with the name of each, for programs.
            More = new Dictionary<string, object> { ["findings"] = e.Problems.Select(ProfileWarning.Of).ToArray() },
        };
    }

    /// <summary>The fields are profile (a file) and note.</summary>
    private static async Task<ProfileInput> ReadForm(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context);
        var boundary = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) ? HeaderUtilities.RemoveQuotes(type.Boundary).Value : null;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > 200) throw Bad("The form has no boundary.");
        byte[]? file = null;
        string? note = null;
        try
        {
            var reader = new MultipartReader(boundary, new MemoryStream(body.ToArray(), writable: false));
            while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
            {
                var name = ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) ? HeaderUtilities.RemoveQuotes(disposition.Name).Value : null;
                using var content = new MemoryStream();
                await section.Body.CopyToAsync(content, context.RequestAborted);
                switch (name)
                {
                    case "profile" when file is null:
                        file = content.ToArray();
                        break;
                    case "note" when note is null:
                        note = System.Text.Encoding.UTF8.GetString(content.ToArray());
                        break;
                    default:
                        throw Bad("The form has the fields profile (a file) and note, each once.");
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw Bad("The form is damaged, or ends too early.");
        }

        return file is null ? throw ApiProblem.Field("profile", "The form has no file with this name.") : OfFile(file, Checked(note));
    }

    private static ApiProblem Bad(string detail) => new(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The form is not valid", detail);
}
