console.log('lint ok');
