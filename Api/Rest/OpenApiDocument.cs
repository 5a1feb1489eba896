using System.Text.Json.Nodes;
using FleetMdm.Protocol.Profiles;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace FleetMdm.Api.Rest;

/// <summary><c>/openapi/v1.json</c>: the REST interface described. It holds no secrets and needs no login; the copy in
/// <c>docs/openapi-v1.json</c> is compared with it by a test.</summary>
internal static class OpenApiDocument
{
    public const string Path = "/openapi/v1.json";

    private const string BearerScheme = "bearer";

    public static void AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
        options.AddDocumentTransformer(Describe);
        options.AddOperationTransformer(DescribeOperation);
        options.AddSchemaTransformer(DescribeSchema);
    });

    public static void MapOpenApiDocument(this RouteGroupBuilder admin) => admin.MapOpenApi("/openapi/{documentName}.json");

    /// <summary>The same document, for the pages.</summary>
    public static async Task<JsonObject> Read(IServiceProvider services, CancellationToken cancellationToken)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>("v1").GetOpenApiDocumentAsync(cancellationToken);
        return JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken))!.AsObject();
    }

    private static Task Describe(Microsoft.OpenApi.OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "FleetMdm",
            Version = "v1",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            Description =
                """
                The administrators' interface. Errors are problem details (RFC 9457) with a stable `code`, and with `errors` that name the
                fields where fields are to blame. Lists are paged: send the `next` of a page as `after`. Every POST takes an
                `Idempotency-Key`: the same request with the same key is done once, however often it is sent within a day. 503 means that nothing
                was promised: repeat it after `Retry-After` seconds.
                """,
        };
        document.Servers = [new OpenApiServer { Url = "/", Description = "This server." }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [BearerScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An API token (`fleetmdm_…`). The role viewer may read; the role administrator may change.",
            },
        };
        DescribeProblem(document.Components);
        DescribeCommand(document);
        foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>()) tag.Description = Chapters.GetValueOrDefault(tag.Name ?? "");
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, document)] = [] }];
        return Task.CompletedTask;
    }

    private static readonly Dictionary<string, string> Chapters = new()
    {
        ["Audit"] = "Who did what.",
        ["Commands"] = "Commands for one iPad, and what became of them.",
        ["Devices"] = "The iPads.",
        ["Invitations"] = "Links by which iPads enrol.",
        ["Operations"] = "One command for many iPads.",
        ["Profiles"] = "The library of configuration profiles.",
        ["Push certificate"] = "The certificate by which iPads are woken.",
        ["Reenrolment"] = "Decisions on devices that say that they are an iPad that is enrolled.",
        ["Status"] = "The server at a glance.",
        ["Tokens"] = "API tokens.",
    };

    /// <summary>What every error has.</summary>
    private static void DescribeProblem(OpenApiComponents components)
    {
        if (components.Schemas is null || !components.Schemas.TryGetValue("ProblemDetails", out var known) || known is not OpenApiSchema problem) return;
        static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
        problem.Description = "Problem details (RFC 9457).";
        problem.Required = new HashSet<string> { "type", "title", "status", "detail", "code" };
        problem.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = Text("urn:fleetmdm:problem: and the code."),
            ["title"] = Text("A few words."),
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
            ["detail"] = Text("A sentence for a person."),
            ["code"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "The stable name of what went wrong.",
                Enum = [.. typeof(ProblemCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal).Select(code => (JsonNode)code)],
            },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "What is wrong, by the name of the field.",
                AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
            },
            ["found"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64", Description = "How many there are, where a number was not as expected." },
            ["findings"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Description = "Why a profile was refused: each with field, message, code and severity, as the warnings of a profile that was saved.",
                Items = new OpenApiSchema { Type = JsonSchemaType.Object },
            },
            ["traceId"] = Text("Of the request, for the server's log."),
        };
    }

    /// <summary>A command is an object by its request type, wherever it stands; an answer of an iPad is an object with Apple's keys.</summary>
    private static void DescribeCommand(Microsoft.OpenApi.OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        document.AddComponent("Command", CommandSchema());
        if (schemas.TryGetValue(nameof(Operations.OperationRequest), out var order) && order is OpenApiSchema { Properties: { } request })
            request["command"] = new OpenApiSchemaReference("Command", document);
        if (schemas.TryGetValue(nameof(Commands.CommandView), out var command) && command is OpenApiSchema { Properties: { } view })
        {
            view["result"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object | JsonSchemaType.Null,
                AdditionalProperties = new OpenApiSchema(),
                Description = "The iPad's answer as JSON, with Apple's keys; null: none came. Data is Base64.",
            };
        }

        foreach (var name in (string[])[nameof(Profiles.ProfileRequest), nameof(Profiles.ProfileView), nameof(Profiles.ProfileVersionView)])
        {
            if (schemas.TryGetValue(name, out var holder) && holder is OpenApiSchema { Properties: { } parts })
            {
                parts["profile"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    AdditionalProperties = new OpenApiSchema(),
                    Description = "A profile with Apple's keys, its payloads in PayloadContent. Data is Base64. In the place of a secret that is kept stands (hidden).",
                };
            }
        }

        foreach (var name in (string[])[nameof(Catalogue.CommandTypeView), nameof(Catalogue.PayloadTypeView)])
        {
            if (schemas.TryGetValue(name, out var type) && type is OpenApiSchema { Properties: { } described })
            {
                described["schema"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    AdditionalProperties = new OpenApiSchema(),
                    Description = "JSON Schema, 2020-12. Other keys are taken too, with a warning.",
                };
            }
        }

        schemas.Remove("JsonElement");
    }

    private static OpenApiSchema CommandSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "requestType" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["requestType"] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Enum = [.. Protocol.Catalogue.CommandCatalogue.KnownRequestTypes.Select(name => (JsonNode)JsonValue.Create(name)!)],
            },
        },
        AdditionalProperties = new OpenApiSchema(),
        Description = "Further fields are Apple's keys of this request type in camel case; data is Base64. GET /api/v1/command-types has a schema of each.",
    };

    private static Task DescribeSchema(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var attributes = context.JsonPropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(OneOfAttribute), inherit: true);
        if (attributes is [OneOfAttribute { Values: var values }, ..]) schema.Enum = [.. values.Select(value => (JsonNode)value)];
        return Task.CompletedTask;
    }

    /// <summary>As in <c>getDevicesByIdCommands</c>: for generated clients. Never changes as long as the path does not.</summary>
    private static string IdOf(string method, string path)
    {
        var name = new System.Text.StringBuilder(method.ToLowerInvariant());
        foreach (var word in path.Split(['/', '-'], StringSplitOptions.RemoveEmptyEntries).Skip(2))
        {
            var plain = word.Trim('{', '}');
            if (word[0] == '{') name.Append("By");
            name.Append(char.ToUpperInvariant(plain[0])).Append(plain.AsSpan(1));
        }

        return name.ToString();
    }

    private static async Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        operation.OperationId = IdOf(context.Description.HttpMethod ?? "get", context.Description.RelativePath is { } relative ? "/" + relative : "");
        operation.Description ??= operation.Summary;
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<DescribedBody>().LastOrDefault() is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = body.Type is { } type
                    ? new Dictionary<string, OpenApiMediaType>
                    {
                        [RequestBody.Json] = new() { Schema = await Component(type, context, cancellationToken) },
                    }
                    : CommandBody(),
            };
        }

        if (metadata.OfType<IdempotentMetadata>().Any())
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = IdempotencyFilter.KeyHeader,
                In = ParameterLocation.Header,
                Description = "Made by the client for this request, at most 255 visible ASCII characters. A repetition within a day is answered as the first time, with `Idempotency-Replayed: true`.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 255 },
            });
        }

        foreach (var parameter in operation.Parameters ?? [])
        {
            parameter.Description ??= parameter.Name switch
            {
                "id" => "The id.",
                "uuid" => "The CommandUUID.",
                "X-Certificate-Password" => "The password of a .p12 file.",
                _ => null,
            };
            if (parameter is OpenApiParameter { In: ParameterLocation.Query, Schema: OpenApiSchema schema } query) Refine(query, schema, context.Description.RelativePath ?? "");
        }
    }

    /// <summary>A shape by name, as those of the answers are.</summary>
    private static async Task<IOpenApiSchema> Component(Type type, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(type, null, cancellationToken);
        if (context.Document is not { } document) return schema;
        document.AddComponent(type.Name, schema);
        return new OpenApiSchemaReference(type.Name, document);
    }

    private static void Refine(OpenApiParameter parameter, OpenApiSchema schema, string path)
    {
        static List<JsonNode> Of(params IEnumerable<string> values) => [.. values.Select(value => (JsonNode)value)];
        switch (parameter.Name)
        {
            case "status" when path.EndsWith("/devices", StringComparison.Ordinal) && path.Contains("operations", StringComparison.Ordinal):
                schema.Enum = Of(OneOfAttribute.Names<Storage.Operations.OperationPart>(camelCase: true));
                break;
            case "status":
                schema.Enum = Of(OneOfAttribute.Names<Storage.Devices.EnrolmentStatus>());
                break;
            case "kind":
                schema.Enum = Of(OneOfAttribute.Names<Storage.Devices.EnrolmentKind>());
                break;
            case "sort":
                schema.Enum = Of("id", "-id", "name", "-name", "serialNumber", "-serialNumber");
                break;
        }

        switch (parameter.Name)
        {
            case "limit":
                (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, "1", "1000");
                schema.Default = JsonValue.Create(Page.DefaultLimit);
                break;
            case "expiresInHours":
                (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, "1", "8760");
                break;
            case "push":
                (schema.Type, schema.Default) = (JsonSchemaType.Boolean, JsonValue.Create(true));
                break;
            case "seenBefore" or "seenAfter" or "expiresAt":
                schema.Format = "date-time";
                break;
        }
    }

    private static Dictionary<string, OpenApiMediaType> CommandBody() => new()
    {
        [RequestBody.Json] = new OpenApiMediaType
        {
            Schema = CommandSchema(),
            Example = new JsonObject { ["requestType"] = "DeviceLock", ["message"] = "Please bring this iPad to the library" },
        },
        [ConfigurationProfile.ContentType] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "A configuration profile to install, as a .mobileconfig file holds it." },
        },
        [RequestBody.Xml] = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "A property list: CommandUUID and Command, or the Command dictionary alone.",
            },
        },
    };
}
