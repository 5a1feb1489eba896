using FleetMdm.Api;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;

// The API alone, as a client of a cluster's silos: the role "api". The silo's own program serves the API too.
return await FleetProcess.Run(async () =>
{
    FleetConfiguration.CheckArguments(args);
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
    builder.Configuration.AddFleetConfiguration([.. args, "--Cluster:Role=Api", "--Cluster:Enabled=true"]);
    builder.AddFleetLogging();
    builder.Services.AddSingleton(TimeProvider.System);
    builder.Services.AddFleetStorage(builder.Configuration);
    builder.AddFleetClient();
    builder.AddFleetApi();

    await using var app = builder.Build();
    app.MapFleetApi();
    await FleetProcess.Start(app, CancellationToken.None);
    await app.WaitForShutdownAsync();
    return 0;
});
